//! The servers are there, each says what its protocol begins with, and none listens to more than this machine.

use std::net::{IpAddr, Ipv4Addr};

use filch::net::{TcpStream, lookup_host};
use filch_services::testing::{address, server};

/// Says something to the server, and gives as many bytes of its answer as are expected.
async fn ask(variable: &str, said: &[u8], count: usize) -> Vec<u8> {
    let url = server(variable);
    for found in lookup_host(address(&url)).await.expect("an address") {
        assert_eq!(found.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST), "{url}");
    }
    let stream = TcpStream::connect(address(&url)).await.expect("it listens");
    stream.write_all(said).await.expect("it reads");
    let mut answer = vec![0; count];
    stream.read_exact(&mut answer).await.expect("it answers");
    answer
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn postgres_answers_that_it_has_no_tls() {
    let request = [0, 0, 0, 8, 4, 210, 22, 47];
    assert_eq!(ask("FILCH_POSTGRES", &request, 1).await, b"N");
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn redis_answers_and_syncs_each_write() {
    assert_eq!(ask("FILCH_REDIS", b"PING\r\n", 7).await, b"+PONG\r\n");
    let said = ask("FILCH_REDIS", b"CONFIG GET appendfsync\r\n", 34).await;
    assert!(said.ends_with(b"\r\n$6\r\nalways\r\n"), "{said:?}");
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn rabbitmq_starts_a_connection() {
    // A frame of channel 0, then its length, class 10, method 10.
    let said = ask("FILCH_AMQP", b"AMQP\0\0\x09\x01", 11).await;
    assert_eq!(
        (&said[..3], &said[7..]),
        (&[1, 0, 0][..], &[0, 10, 0, 10][..])
    );
}

#[filch::test]
#[cfg_attr(not(nats), ignore = "no FILCH_NATS")]
async fn nats_introduces_itself() {
    assert_eq!(ask("FILCH_NATS", b"PING\r\n", 6).await, b"INFO {");
}
