//! The clients: many connections at a time, each used for a while in its own way, then replaced by another.

use crate::common::*;
use filch::net::TcpStream;
use filch::time::{Instant, sleep, timeout};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Addresses of this machine to connect to: each has as many client ports as one address has.
const ADDRESSES: usize = 16;

/// What a load did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) opened: usize,
    /// The most that were open at a time.
    pub(crate) most: usize,
    pub(crate) exchanges: usize,
    pub(crate) refused: usize,
    /// The longest that the witness, who behaves, had to wait for an answer.
    pub(crate) slowest: Duration,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections, up to {} at a time, {} exchanges, {} not opened, slowest answer {:.1?}",
            self.opened, self.most, self.exchanges, self.refused, self.slowest
        )
    }
}

#[derive(Debug, Default)]
struct Counts {
    opened: Count,
    closed: Count,
    most: AtomicUsize,
    exchanges: Count,
    refused: Count,
}

/// Keeps up to `connections` busy for a time.
pub(crate) fn load(port: u16, connections: usize, time: Duration, seed: u64) -> Done {
    filch::run(async move {
        let (counts, end) = (Arc::new(Counts::default()), Instant::now() + time);
        let witness = filch::spawn(witness(port, end));
        let clients: Vec<_> = (0..connections as u64)
            .map(|i| {
                filch::spawn(client(
                    port,
                    Random::new(seed << 32 | i),
                    end,
                    Arc::clone(&counts),
                ))
            })
            .collect();
        for client in clients {
            client.await.expect("a client ends");
        }
        let slowest = witness.await.expect("the witness ends");
        let most = counts.most.load(Ordering::Relaxed);
        Done {
            opened: counts.opened.get(),
            most,
            exchanges: counts.exchanges.get(),
            refused: counts.refused.get(),
            slowest,
        }
    })
}

/// One connection after the other.
async fn client(port: u16, mut random: Random, end: Instant, counts: Arc<Counts>) {
    while Instant::now() < end {
        let address = Ipv4Addr::new(127, 0, 0, 1 + random.below(ADDRESSES) as u8);
        match timeout(LIMIT, TcpStream::connect((address, port)))
            .await
            .expect("an answer to a connect")
        {
            Ok(stream) => {
                let opened = counts.opened.add() + 1;
                counts.most.fetch_max(
                    opened.saturating_sub(counts.closed.get()),
                    Ordering::Relaxed,
                );
                use_up(stream, &mut random, end, &counts)
                    .await
                    .expect("nobody else disturbs a connection");
                counts.closed.add();
            }
            // No port is free at the moment.
            Err(_) => {
                counts.refused.add();
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Some exchanges, then one of the ways to end.
async fn use_up(
    stream: TcpStream,
    random: &mut Random,
    end: Instant,
    counts: &Counts,
) -> io::Result<()> {
    for _ in 0..random.below(4) {
        let bytes = vec![random.next() as u8; 1 + random.below(3000)];
        stream.write_all(&bytes).await?;
        let mut answer = vec![0; bytes.len()];
        timeout(LIMIT, stream.read_exact(&mut answer))
            .await
            .expect("an answer")?;
        assert_eq!(answer, bytes);
        counts.exchanges.add();
        if Instant::now() < end {
            sleep(Duration::from_millis(random.below(200) as u64)).await;
        }
    }
    match random.below(6) {
        0 => reset(&stream),
        1 => {
            stream.write_all(b"never read").await?;
            reset(&stream);
        }
        2 => {
            // Half-closed: what is under way still comes, then the end.
            stream.write_all(b"last words").await?;
            stream.shutdown(Shutdown::Write)?;
            let mut rest = [0; 10];
            timeout(LIMIT, stream.read_exact(&mut rest))
                .await
                .expect("an answer")?;
            assert_eq!(
                timeout(LIMIT, stream.read(&mut rest))
                    .await
                    .expect("the end")?,
                0
            );
        }
        3 => sleep(Duration::from_millis(random.below(300) as u64)).await,
        4 => stream.write_all(b"not waited for").await?,
        _ => {}
    }
    Ok(())
}

/// Exchanges small messages all the time, and is never kept from it.
async fn witness(port: u16, end: Instant) -> Duration {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .expect("connect");
    let (mut slowest, mut number) = (Duration::ZERO, 0_u64);
    while Instant::now() < end {
        let (start, mut answer) = (Instant::now(), [0; 8]);
        number += 1;
        stream
            .write_all(&number.to_be_bytes())
            .await
            .expect("write");
        timeout(LIMIT, stream.read_exact(&mut answer))
            .await
            .expect("an answer")
            .expect("read");
        assert_eq!(u64::from_be_bytes(answer), number);
        slowest = slowest.max(start.elapsed());
        sleep(Duration::from_millis(1)).await;
    }
    slowest
}

/// Makes the close of a connection a reset.
pub(crate) fn reset(stream: &impl std::os::fd::AsFd) {
    let linger = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    linger.expect("a socket has this option");
}
