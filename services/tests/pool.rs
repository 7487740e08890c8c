//! deadpool's pool over tokio-postgres on filch: its limit, users who give up, and its end.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use deadpool::managed::PoolError;
use filch::time::timeout;
use filch_services::postgres::{Manager, Pool, connect};
use filch_services::testing::{OTHER_RUNTIMES, pause, server, threads_of, until_alone};
use tokio_postgres::{Client, Config};

fn config(name: &str) -> Config {
    let mut config: Config = server("FILCH_POSTGRES").parse().expect("a URL");
    config.application_name(name);
    config
}

fn pool(name: &str, size: usize) -> Pool {
    let manager = Manager::new(config(name), Duration::from_millis(200));
    Pool::builder(manager)
        .max_size(size)
        .build()
        .expect("no timeouts, so no runtime")
}

/// How many connections of this name the server has, with a condition.
async fn connections(observer: &Client, name: &str, and: &str) -> i64 {
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 {and}");
    observer
        .query_one(&count, &[&name])
        .await
        .expect("a count")
        .get(0)
}

async fn observer() -> Client {
    connect(&config("pool observer"))
        .await
        .expect("it listens")
        .0
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn many_tasks_share_few_connections_and_all_are_served() {
    let pool = pool("few", 3);
    let most = Arc::new(AtomicUsize::new(0));
    let tasks = (0..30i32).map(|n| {
        let (pool, most) = (pool.clone(), most.clone());
        async move {
            let client = pool.get().await.unwrap();
            most.fetch_max(pool.status().size, SeqCst);
            client
                .query_one("SELECT $1::INT4 + 1", &[&n])
                .await
                .unwrap()
                .get::<_, i32>(0)
        }
    });
    let results = filch::gather_results(tasks).await;
    let sum: i32 = results.into_iter().map(Result::unwrap).sum();
    assert_eq!(sum, (1..=30).sum());
    assert!((1..=3).contains(&most.load(SeqCst)), "{most:?}");
    assert!(connections(&observer().await, "few", "").await <= 3);
    assert!(threads_of(&OTHER_RUNTIMES).is_empty());
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn who_stops_waiting_for_a_connection_takes_none() {
    let pool = pool("waiting", 1);
    let first = pool.get().await.unwrap();
    let mut second = Box::pin(pool.get());
    assert!(
        timeout(Duration::from_millis(20), &mut second)
            .await
            .is_err()
    );
    // It would be next: and is gone before, or after, the connection is free.
    drop(first);
    drop(second);
    let third = pool.get().await.unwrap();
    assert_eq!(
        third
            .query_one("SELECT 3", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        3
    );
    assert_eq!((pool.status().size, pool.status().waiting), (1, 0));
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_connection_that_comes_back_in_mid_query_is_replaced_and_its_query_cancelled() {
    let (pool, observer) = (pool("busy", 1), observer().await);
    let sleeping = "AND wait_event = 'PgSleep'";
    {
        let client = pool.get().await.unwrap();
        filch::select! {
            _ = client.execute("SELECT pg_sleep(600)", &[]) => panic!("it sleeps"),
            () = async { while connections(&observer, "busy", sleeping).await != 1 { pause().await; } } => {}
        }
    }
    let client = pool.get().await.unwrap();
    assert_eq!(
        client
            .query_one("SELECT 4", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        4
    );
    while connections(&observer, "busy", sleeping).await != 0 {
        pause().await;
    }
    while connections(&observer, "busy", "").await != 1 {
        pause().await;
    }
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_connection_whose_user_is_aborted_in_a_transaction_comes_back_clean() {
    let (pool, observer) = (pool("aborted user", 1), observer().await);
    pool.get()
        .await
        .unwrap()
        .batch_execute("CREATE TEMP TABLE kept (n INT4)")
        .await
        .unwrap();
    let user = filch::spawn({
        let pool = pool.clone();
        async move {
            let mut client = pool.get().await.unwrap();
            let transaction = client.transaction().await.unwrap();
            transaction
                .execute("INSERT INTO kept VALUES (1)", &[])
                .await
                .unwrap();
            std::future::pending::<()>().await;
        }
    });
    let idle = "AND state = 'idle in transaction'";
    while connections(&observer, "aborted user", idle).await != 1 {
        pause().await;
    }
    user.abort();
    assert!(user.await.unwrap_err().is_cancelled());
    // The same connection, which the temporary table shows, and no row in it.
    let client = pool.get().await.unwrap();
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
async fn a_connection_that_the_server_has_ended_is_not_given_out() {
    let (pool, observer) = (pool("ended", 1), observer().await);
    drop(pool.get().await.unwrap());
    let kill =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'";
    assert_eq!(observer.query(kill, &[]).await.unwrap().len(), 1);
    let client = pool.get().await.unwrap();
    assert_eq!(
        client
            .query_one("SELECT 5", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        5
    );
}

#[filch::test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
async fn a_closed_pool_refuses_those_who_wait_and_leaves_nothing_behind() {
    let (pool, observer) = (pool("closed", 2), observer().await);
    let held = [pool.get().await.unwrap(), pool.get().await.unwrap()];
    let waiting = filch::spawn({
        let pool = pool.clone();
        async move { matches!(pool.get().await, Err(PoolError::Closed)) }
    });
    while pool.status().waiting != 1 {
        pause().await;
    }
    pool.close();
    assert!(waiting.await.unwrap(), "it is told");
    drop(held);
    while connections(&observer, "closed", "").await != 0 {
        pause().await;
    }
    drop((pool, observer));
    until_alone().await;
}
