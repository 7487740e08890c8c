//! Ends and resets.

use super::*;

#[test]
fn a_half_closed_stream_still_carries_the_other_direction() {
    run(async {
        let (one, other) = tcp_pair().await;
        one.write_all(b"question").await.unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        let mut question = String::new();
        AsyncReadExt::read_to_string(&mut &other, &mut question)
            .await
            .unwrap();
        assert_eq!(question, "question");
        other.write_all(b"answer").await.unwrap();
        drop(other);
        let mut answer = Vec::new();
        while one.read_buf(&mut answer).await.unwrap() > 0 {}
        assert_eq!(answer, b"answer");
    });
}

#[test]
fn a_reset_by_the_peer_ends_a_waiting_read_with_an_error() {
    run(async {
        let (one, other) = tcp_pair().await;
        let reader = filch::spawn(async move { one.read(&mut [0; 8]).await });
        until_waiting("read", 1).await;
        other.set_linger(Some(Duration::ZERO)).unwrap();
        drop(other);
        let error = reader.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_reset_by_the_peer_ends_a_waiting_write_with_an_error() {
    run(async {
        let (one, other) = tcp_pair().await;
        let writer = filch::spawn(async move {
            let block = vec![7; 1 << 16];
            loop {
                one.write_all(&block).await?;
            }
            #[allow(unreachable_code)]
            io::Result::Ok(())
        });
        until_waiting("write", 1).await;
        other.set_linger(Some(Duration::ZERO)).unwrap();
        drop(other);
        let kind = writer.await.unwrap().unwrap_err().kind();
        assert!(
            matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
            "{kind}"
        );
    });
}

#[test]
fn closing_through_the_trait_ends_writing_and_can_be_repeated() {
    run(async {
        let (mut one, other) = tcp_pair().await;
        one.close().await.unwrap();
        assert_eq!(other.read(&mut [0; 4]).await.unwrap(), 0);
        drop(other);
        one.close().await.unwrap();
    });
}
