//! The border between the two runtimes: who spawns where, what an abort does, how both end, and what idleness costs.

use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use filch::{AbortOnDrop, Runtime, guest};
use filch_services::server;

use crate::contexts::runtime;
use crate::uses::{nats_requests_and_replies, redis_sets_and_gets, reqwest_asks, sqlx_selects};
use crate::{limited, uses};

/// Tells when it is dropped.
struct Tells(mpsc::Sender<&'static str>, &'static str);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[test]
fn each_side_spawns_into_the_other_and_back() {
    limited(|| {
        runtime().run(async {
            let there = tokio::spawn(async {
                let here = filch::spawn(async {
                    reqwest_asks().await;
                    tokio::spawn(reqwest_asks()).await.unwrap();
                });
                here.await.unwrap();
                filch::spawn_blocking(|| {
                    tokio::runtime::Handle::current().block_on(reqwest_asks())
                })
                .await
                .unwrap();
                filch::time::sleep(Duration::from_millis(1)).await;
            });
            there.await.unwrap();
            let nested = guest::spawn(async { guest::spawn(reqwest_asks()).await.unwrap() });
            nested.await.unwrap();
        });
    });
}

#[test]
fn many_tasks_share_a_client_and_some_are_aborted() {
    limited(|| {
        runtime().run(async {
            let tasks: Vec<_> = (0..50).map(|_| filch::spawn(reqwest_asks())).collect();
            for task in tasks.iter().step_by(5) {
                task.abort();
            }
            for (number, task) in tasks.into_iter().enumerate() {
                let result = task.await;
                assert!(result.is_ok() || number % 5 == 0, "{result:?}");
            }
            reqwest_asks().await;
        });
    });
}

/// The server never answers: all is in the midst of a request.
async fn asks_in_vain(tells: Tells, asking: mpsc::Sender<()>) {
    let _tells = tells;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let accepts = async {
        let _stream = listener.accept().await.unwrap();
        asking.send(()).unwrap();
        pending::<()>().await;
    };
    tokio::select! {
        answer = client.get(url).send() => panic!("{answer:?}"),
        () = accepts => {}
    }
}

#[test]
fn an_aborted_job_ends_what_runs_on_the_other_side() {
    limited(|| {
        runtime().run(async {
            let (tell, told) = mpsc::channel();
            let (asking, has_asked) = mpsc::channel();
            let job = guest::spawn(asks_in_vain(Tells(tell, "gone"), asking));
            filch::blocking(|| has_asked.recv().unwrap());
            job.abort();
            assert!(job.await.unwrap_err().is_cancelled());
            assert_eq!(told.try_recv(), Ok("gone"));
        });
    });
}

#[test]
fn a_dropped_scope_takes_its_job_along() {
    limited(|| {
        runtime().run(async {
            let (tell, told) = mpsc::channel();
            let (asking, has_asked) = mpsc::channel();
            let job = async move {
                let job = AbortOnDrop(guest::spawn(asks_in_vain(Tells(tell, "gone"), asking)));
                job.await.unwrap();
            };
            let over = async { filch::spawn_blocking(move || has_asked.recv().unwrap()).await };
            filch::select! {
                () = job => unreachable!(),
                asked = over => asked.unwrap(),
            }
            assert_eq!(told.try_recv(), Ok("gone"));
        });
    });
}

#[test]
fn the_end_cancels_requests_on_both_sides() {
    limited(|| {
        let (tell, told) = mpsc::channel();
        let (asking, have_asked) = mpsc::channel();
        let work = |name| asks_in_vain(Tells(tell.clone(), name), asking.clone());
        let [task, job, theirs] = ["task", "job", "theirs"].map(work);
        let rt = runtime();
        drop(rt.spawn(task));
        rt.block_on(async {
            drop(guest::spawn(job));
            drop(tokio::spawn(theirs));
        });
        (0..3).for_each(|_| have_asked.recv().unwrap());
        drop(rt);
        // The first two were waited for. tokio's own task is cancelled, and ends soon.
        let mut gone: Vec<_> = told.try_iter().collect();
        assert!(gone.contains(&"job") && gone.contains(&"task"), "{gone:?}");
        drop((tell, asking));
        gone.extend(told);
        gone.sort_unstable();
        assert_eq!(gone, ["job", "task", "theirs"]);
    });
}

#[test]
#[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
fn the_end_comes_while_databases_are_asked() {
    limited(|| {
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(3);
        let rt = runtime();
        let pool = rt.run(async move { pool.connect(&server("FILCH_POSTGRES")).await.unwrap() });
        let sleeps = |pool: sqlx::PgPool| async move {
            sqlx::query("SELECT pg_sleep(600)").execute(&pool).await
        };
        drop(rt.spawn(sleeps(pool.clone())));
        let (job, theirs) = (sleeps(pool.clone()), sleeps(pool.clone()));
        rt.block_on(async {
            drop(guest::spawn(job));
            drop(tokio::spawn(theirs));
            while pool.num_idle() > 0 || pool.size() < 3 {
                filch::time::sleep(Duration::from_millis(1)).await;
            }
        });
        drop(rt);
    });
}

/// Guards are dropped in the reverse order of entering, or tokio would panic.
#[test]
fn a_runtime_inside_of_another_has_a_guest_of_its_own() {
    limited(|| {
        let inner = runtime();
        let inside = inner.handle();
        runtime().run(async move {
            reqwest_asks().await;
            let outer = tokio::runtime::Handle::current().id();
            let other = filch::blocking(|| {
                inside.block_on(async {
                    reqwest_asks().await;
                    guest::spawn(reqwest_asks()).await.unwrap();
                    tokio::runtime::Handle::current().id()
                })
            });
            assert_ne!(outer, other);
            assert_eq!(tokio::runtime::Handle::current().id(), outer);
            // A whole one, from its start to its end.
            filch::spawn_blocking(|| runtime().run(reqwest_asks()))
                .await
                .unwrap();
            filch::blocking(|| {
                Runtime::builder()
                    .tokio(true)
                    .build_local()
                    .unwrap()
                    .block_on(reqwest_asks())
            });
            reqwest_asks().await;
            guest::spawn(reqwest_asks()).await.unwrap();
        });
        drop(inner);
    });
}

/// Of the threads of the runtime whose threads are named so.
fn switches(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let threads = tasks.flatten().filter_map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let ours = status.lines().next()?.contains(name);
        let counts = status.lines().filter_map(|line| {
            let (kind, count) = line.split_once(':')?;
            let count = count.trim().parse::<usize>().ok()?;
            kind.ends_with("ctxt_switches").then_some(count)
        });
        ours.then(|| counts.sum::<usize>())
    });
    threads.sum()
}

/// Connections to all servers are open, and everybody sleeps. A second comes in which no thread was switched to.
#[test]
#[cfg_attr(
    not(all(postgres, redis, nats)),
    ignore = "no FILCH_POSTGRES, FILCH_REDIS or FILCH_NATS"
)]
fn an_idle_one_switches_no_threads() {
    limited(|| {
        let builder = Runtime::builder().workers(2).thread_name("restful");
        let rt = builder.tokio(true).build().unwrap();
        rt.run(async {
            reqwest_asks().await;
            sqlx_selects().await;
            redis_sets_and_gets().await;
            nats_requests_and_replies().await;
        });
        let open = rt.block_on(uses::connections());
        let mut before = switches("restful");
        let mut none = false;
        for _ in 0..30 {
            thread::sleep(Duration::from_secs(1));
            let now = switches("restful");
            none = now == before;
            before = now;
            if none {
                break;
            }
        }
        drop(open);
        assert!(none, "somebody is woken in every second");
    });
}
