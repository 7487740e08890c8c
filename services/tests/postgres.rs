//! tokio-postgres on filch: results, a query that is given up, and how a connection ends.

use std::time::Duration;

use filch::stream::StreamExt;
use filch::time::timeout;
use filch_services::postgres::{connect, stream};
use filch_services::testing::{OTHER_RUNTIMES, pause, server, threads_of, until_alone};
use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// How the server is reached; connections of each test have a name of their own.
fn config(name: &str) -> Config {
    let mut config: Config = server("FILCH_POSTGRES").parse().expect("a URL");
    config.application_name(name);
    config
}

/// Another connection, which looks on.
async fn observer() -> Client {
    connect(&config("observer")).await.expect("it listens").0
}

/// How many connections of this name the server has.
async fn connections(observer: &Client, name: &str) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    observer
        .query_one(count, &[&name])
        .await
        .expect("a count")
        .get(0)
}

/// Waits until the connection of this name waits for a lock.
async fn until_it_waits(observer: &Client, name: &str) {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
    while !({
        observer
            .query_one(query, &[&name])
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 1
    }) {
        pause().await;
    }
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn queries_of_many_tasks_share_a_connection_and_each_gets_its_own_answer() {
    let (client, _) = connect(&config("shared")).await.unwrap();
    client
        .batch_execute("CREATE TEMP TABLE numbers (n INT8 PRIMARY KEY)")
        .await
        .unwrap();
    let client = std::sync::Arc::new(client);
    let tasks = (0..16i64).map(|task| {
        let client = client.clone();
        async move {
            for n in 0..10 {
                let n = task * 10 + n;
                let insert = "INSERT INTO numbers VALUES ($1) RETURNING n * 2";
                let row = client.query_one(insert, &[&n]).await?;
                assert_eq!(row.get::<_, i64>(0), n * 2);
            }
            Ok::<_, tokio_postgres::Error>(())
        }
    });
    filch::gather(tasks).await.unwrap();
    let row = client
        .query_one("SELECT count(*), sum(n)::INT8 FROM numbers", &[])
        .await
        .unwrap();
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (160, 159 * 160 / 2)
    );
    assert!(threads_of(&OTHER_RUNTIMES).is_empty());
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn many_rows_come_one_by_one_and_the_rest_may_be_left() {
    let (client, _) = connect(&config("rows")).await.unwrap();
    let select = "SELECT n, repeat('x', 100) FROM generate_series(1, 20000) AS n";
    let none: [&str; 0] = [];
    let rows = client.query_raw(select, none).await.unwrap();
    let sum = rows.try_fold(0, |sum, row| async move {
        Ok(sum + i64::from(row.get::<_, i32>(0)))
    });
    assert_eq!(sum.await.unwrap(), 20_000 * 20_001 / 2);

    // Rows that nobody reads hold up what comes next, until they are dropped.
    let mut rows = Box::pin(client.query_raw(select, none).await.unwrap());
    let first = rows.next().await.unwrap().unwrap();
    assert_eq!(first.get::<_, i32>(0), 1);
    let mut next = Box::pin(client.query_one("SELECT 7", &[]));
    assert!(timeout(Duration::from_millis(50), &mut next).await.is_err());
    drop(rows);
    assert_eq!(next.await.unwrap().get::<_, i32>(0), 7);
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn an_error_of_the_server_is_the_query_s_and_the_connection_goes_on() {
    let (client, _) = connect(&config("errors")).await.unwrap();
    let error = client.query_one("SELECT 1 / 0", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::DIVISION_BY_ZERO));
    assert_eq!(
        client
            .query_one("SELECT 1", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        1
    );
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_query_whose_future_is_dropped_is_finished_by_the_server_and_the_next_follows() {
    let (holder, _) = connect(&config("holder")).await.unwrap();
    let (client, _) = connect(&config("left")).await.unwrap();
    let observer = observer().await;
    holder
        .execute("SELECT pg_advisory_lock(1)", &[])
        .await
        .unwrap();

    filch::select! {
        _ = client.execute("SELECT pg_advisory_lock(1)", &[]) => panic!("it is held"),
        () = until_it_waits(&observer, "left") => {}
    }
    // What comes next waits for it, as answers come in order.
    let mut next = std::pin::pin!(client.query_one("SELECT 'next'", &[]));
    assert!(
        timeout(Duration::from_millis(50), next.as_mut())
            .await
            .is_err()
    );
    holder
        .execute("SELECT pg_advisory_unlock(1)", &[])
        .await
        .unwrap();
    assert_eq!(next.await.unwrap().get::<_, &str>(0), "next");
    let row = client
        .query_one("SELECT pg_advisory_unlock(1)", &[])
        .await
        .unwrap();
    assert!(
        row.get::<_, bool>(0),
        "the server took the lock, though nobody waited"
    );
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_query_that_is_cancelled_at_the_server_ends_at_once() {
    let config = config("cancelled");
    let (client, _) = connect(&config).await.unwrap();
    let observer = observer().await;
    let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cancelled' AND wait_event = 'PgSleep'";
    let sleeps = async {
        while observer
            .query_one(query, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 0
        {
            pause().await;
        }
    };

    filch::select! {
        _ = client.execute("SELECT pg_sleep(600)", &[]) => panic!("it sleeps"),
        () = sleeps => {}
    }
    let stream = stream(&config).await.unwrap();
    client
        .cancel_token()
        .cancel_query_raw(stream, NoTls)
        .await
        .unwrap();
    assert_eq!(
        client
            .query_one("SELECT 2", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        2
    );
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_transaction_whose_future_is_dropped_in_the_middle_is_rolled_back() {
    let (mut client, _) = connect(&config("transaction")).await.unwrap();
    client
        .batch_execute("CREATE TEMP TABLE kept (n INT4)")
        .await
        .unwrap();
    let inserted = filch::sync::Event::new();
    {
        let work = async {
            let transaction = client.transaction().await.unwrap();
            transaction
                .execute("INSERT INTO kept VALUES (1)", &[])
                .await
                .unwrap();
            inserted.set();
            std::future::pending::<()>().await;
        };
        filch::select! {
            () = work => unreachable!(),
            () = inserted.wait() => {}
        }
    }
    assert_eq!(
        client
            .query_one("SELECT count(*) FROM kept", &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        0
    );
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_dropped_client_ends_its_task_and_the_server_s_connection() {
    let observer = observer().await;
    let (client, driver) = connect(&config("ends")).await.unwrap();
    assert_eq!(connections(&observer, "ends").await, 1);
    drop(client);
    driver.await.unwrap().expect("it ends without an error");
    while connections(&observer, "ends").await != 0 {
        pause().await;
    }
    drop(observer);
    until_alone().await;
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_connection_that_the_server_ends_fails_its_query_and_says_that_it_is_closed() {
    let observer = observer().await;
    let (client, driver) = connect(&config("killed")).await.unwrap();
    let kill = async {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'killed'
            AND wait_event = 'PgSleep'";
        while observer.query(kill, &[]).await.unwrap().len() != 1 {
            pause().await;
        }
    };
    let (outcome, ()) = filch::join!(client.execute("SELECT pg_sleep(600)", &[]), kill);
    outcome.expect_err("its connection is gone");
    driver.await.unwrap().expect_err("the server has ended it");
    assert!(client.is_closed());
    client
        .query_one("SELECT 1", &[])
        .await
        .expect_err("it is closed");
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_driver_that_is_aborted_closes_the_connection_and_nothing_hangs() {
    let observer = observer().await;
    let (client, driver) = connect(&config("aborted")).await.unwrap();
    driver.abort();
    assert!(driver.await.unwrap_err().is_cancelled());
    client
        .query_one("SELECT 1", &[])
        .await
        .expect_err("nobody drives it");
    assert!(client.is_closed());
    while connections(&observer, "aborted").await != 0 {
        pause().await;
    }
}
