//! Channels: no value and no room is lost, and none is there twice.

use super::{Row, SOON, begun, each, later, row};
use filch::sync::{Mutex, broadcast, mpsc, oneshot, watch};
use filch::task::WaitKind;
use filch::time::sleep;
use std::sync::Arc;

pub(super) const ROWS: &[Row] = &[
    row("sync::mpsc::future::Send", WaitKind::Channel, || {
        full(async |sender| sender.send(2).await.unwrap())
    }),
    row("sync::mpsc::future::SendTimeout", WaitKind::Channel, || {
        full(async |sender| sender.send_timeout(2, 9 * SOON).await.unwrap())
    }),
    row("sync::mpsc::future::Reserve", WaitKind::Channel, || {
        full(async |sender| sender.reserve().await.unwrap().send(2))
    }),
    row("sync::mpsc::future::ReserveMany", WaitKind::Channel, || {
        full(async |sender| {
            let permits = sender.reserve_many(1).await.unwrap();
            permits.for_each(|permit| permit.send(2));
        })
    }),
    row(
        "sync::mpsc::future::ReserveOwned",
        WaitKind::Channel,
        || full(async |sender| drop(sender.reserve_owned().await.unwrap().send(2))),
    ),
    row("sync::mpsc::future::Recv", WaitKind::Channel, || {
        empty(async |receiver| assert_eq!(receiver.recv().await, Some(1)))
    }),
    row("sync::mpsc::future::RecvMany", WaitKind::Channel, || {
        empty(async |receiver| {
            let mut values = Vec::new();
            assert_eq!(receiver.recv_many(&mut values, 9).await, 1);
        })
    }),
    row("sync::mpsc::future::WaitClosed", WaitKind::Channel, || {
        each(
            || mpsc::channel::<u32>(1),
            async |(sender, receiver)| {
                later(move || receiver.close());
                sender.closed().await;
            },
            async |(sender, _), cut| {
                if begun(&cut) {
                    sender.closed().await;
                }
            },
        )
    }),
    row(
        "sync::oneshot::future::WaitClosed",
        WaitKind::Channel,
        || {
            each(
                || (),
                async |()| {
                    let (mut sender, receiver) = oneshot::channel::<u32>();
                    later(move || drop(receiver));
                    sender.closed().await;
                    assert_eq!(sender.send(1), Err(1));
                },
                async |(), _| (),
            )
        },
    ),
    row("sync::oneshot::Receiver", WaitKind::Channel, || {
        each(
            || Arc::new(Mutex::new(None)),
            async |kept| {
                let (sender, mut receiver) = oneshot::channel();
                later(move || _ = sender.send(1));
                let given = (&mut receiver).await;
                assert_eq!(given, Ok(1));
                *kept.lock().await = Some(());
            },
            async |kept, cut| assert_eq!(kept.lock().await.is_some(), cut.is_finished()),
        )
    }),
    row("sync::broadcast::future::Recv", WaitKind::Channel, || {
        each(
            || {
                let (sender, receiver) = broadcast::channel(4);
                (sender, Arc::new(Mutex::new(receiver)))
            },
            async |(sender, receiver)| {
                later(move || _ = sender.send(1));
                let mut receiver = receiver.try_lock().unwrap();
                assert_eq!(receiver.recv().await, Ok(1));
            },
            async |(_sender, receiver), cut| {
                let mut receiver = receiver.try_lock().unwrap();
                if begun(&cut) && !cut.is_finished() {
                    assert_eq!(receiver.recv().await, Ok(1));
                }
                assert!(receiver.is_empty());
            },
        )
    }),
    row(
        "sync::broadcast::future::WaitClosed",
        WaitKind::Channel,
        || {
            each(
                || broadcast::Sender::<u32>::new(1),
                async |sender| {
                    let receiver = sender.subscribe();
                    later(move || drop(receiver));
                    sender.closed().await;
                },
                async |sender, _| sender.closed().await,
            )
        },
    ),
    row("sync::watch::future::Changed", WaitKind::Channel, || {
        each(
            || {
                let (sender, receiver) = watch::channel(0);
                (Arc::new(sender), Arc::new(Mutex::new(receiver)))
            },
            async |(sender, receiver)| {
                later(move || sender.send(1).unwrap());
                receiver.try_lock().unwrap().changed().await.unwrap();
            },
            async |(_sender, receiver), cut| {
                let mut receiver = receiver.try_lock().unwrap();
                if begun(&cut) && !cut.is_finished() {
                    receiver.changed().await.unwrap();
                }
                assert_eq!(*receiver.borrow_and_update(), u32::from(begun(&cut)));
            },
        )
    }),
    row("sync::watch::future::WaitFor", WaitKind::Channel, || {
        each(
            || {
                let (sender, receiver) = watch::channel(0);
                (Arc::new(sender), Arc::new(Mutex::new(receiver)))
            },
            async |(sender, receiver)| {
                later(move || sender.send(1).unwrap());
                let mut receiver = receiver.try_lock().unwrap();
                assert_eq!(*receiver.wait_for(|value| *value == 1).await.unwrap(), 1);
            },
            async |(_sender, receiver), cut| {
                let mut receiver = receiver.try_lock().unwrap();
                if begun(&cut) {
                    drop(receiver.wait_for(|value| *value == 1).await.unwrap());
                }
            },
        )
    }),
    row("sync::watch::future::WaitClosed", WaitKind::Channel, || {
        each(
            || Arc::new(watch::Sender::new(0)),
            async |sender| {
                let receiver = sender.subscribe();
                later(move || drop(receiver));
                sender.closed().await;
            },
            async |sender, _| sender.closed().await,
        )
    }),
];

/// A channel that is full, and has room soon.
fn full(send: impl AsyncFn(mpsc::Sender<u32>) + Clone + 'static) -> filch::testing::Report {
    each(
        || mpsc::channel(1),
        move |(sender, receiver)| {
            let send = send.clone();
            async move {
                sender.try_send(1).unwrap();
                later(move || assert_eq!(receiver.try_recv(), Ok(1)));
                send(sender).await;
            }
        },
        async |(sender, receiver), cut| {
            sleep(2 * SOON).await;
            assert_eq!(receiver.try_recv().ok(), cut.is_finished().then_some(2));
            assert_eq!(sender.capacity(), 1);
        },
    )
}

/// A channel that is empty, and gets a value soon.
fn empty(recv: impl AsyncFn(mpsc::Receiver<u32>) + Clone + 'static) -> filch::testing::Report {
    each(
        || mpsc::channel(1),
        move |(sender, receiver)| {
            let recv = recv.clone();
            async move {
                later(move || sender.try_send(1).unwrap());
                recv(receiver).await;
            }
        },
        async |(_sender, receiver), cut| {
            if begun(&cut) && !cut.is_finished() {
                assert_eq!(receiver.recv().await, Some(1));
            }
            assert!(receiver.is_empty());
        },
    )
}
