//! Connections that are kept for the next request: by host, so many at most, for so long.
//!
//! A request takes a *place* at its host, in turn, and then a connection that is idle, or makes one. So there are never
//! more connections to a host than places. An HTTP/2 connection serves all, and needs a place only while it is made.
//! One task closes what has been idle for too long. It is there while anything is idle.

use super::body::{Body, Progress};
use super::dial::{Channel, Dialed};
use super::proxy::Route;
use super::url::Target;
use crate::sync::{OwnedSemaphorePermit, Semaphore};
use crate::time::{Instant, sleep_until};
use filch_executor::spawn;
use hyper::client::conn::{http1, http2};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Whom a connection leads to, and by which way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(bool, String, u16, Option<String>);

impl Key {
    pub(super) fn new(target: &Target, route: &Route) -> Key {
        let proxy = route.proxy().map(|proxy| proxy.address());
        Key(target.is_tls, target.host.clone(), target.port, proxy)
    }
}

pub(super) struct Pool {
    hosts: Mutex<Hosts>,
    per_host: usize,
    idle_for: Duration,
}

#[derive(Default)]
struct Hosts {
    hosts: BTreeMap<Key, Host>,
    /// Somebody closes what is idle for too long.
    is_swept: bool,
}

struct Host {
    places: Arc<Semaphore>,
    /// The one that was used last is at the end, and taken first.
    idle: VecDeque<Idle>,
    shared: Option<Shared>,
}

struct Idle {
    sender: http1::SendRequest<Body>,
    received: Arc<AtomicU64>,
    since: Instant,
}

#[derive(Clone)]
struct Shared {
    sender: http2::SendRequest<Body>,
    received: Arc<AtomicU64>,
    used: Instant,
}

/// A connection for one request.
pub(super) struct Lease {
    pool: Weak<Pool>,
    key: Key,
    pub(super) channel: Channel,
    pub(super) received: Arc<AtomicU64>,
    /// It has served a request before.
    pub(super) is_used: bool,
    /// The body that goes by it: a connection is free when that was sent as well.
    pub(super) progress: Option<Arc<Progress>>,
    place: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(super) fn new(per_host: usize, idle_for: Duration) -> Pool {
        Pool {
            hosts: Mutex::default(),
            per_host,
            idle_for,
        }
    }

    /// Waits for a place at the host.
    pub(super) async fn place(&self, key: &Key) -> OwnedSemaphorePermit {
        let places = {
            let mut hosts = self.hosts.lock();
            let host = hosts.hosts.entry(key.clone()).or_insert_with(|| Host {
                places: Arc::new(Semaphore::new(self.per_host)),
                idle: VecDeque::new(),
                shared: None,
            });
            Arc::clone(&host.places)
        };
        places.acquire_owned().await.expect("nobody closes it")
    }

    /// A connection that is open already.
    pub(super) fn take(
        self: &Arc<Self>,
        key: &Key,
        place: OwnedSemaphorePermit,
    ) -> Result<Lease, OwnedSemaphorePermit> {
        let now = Instant::now();
        // Dropped outside the lock: what hyper wakes is code of others.
        let mut closed = Vec::new();
        let found = self.find(key, now, &mut closed);
        let Some((channel, received)) = found else {
            return Err(place);
        };
        let place = matches!(channel, Channel::One(_)).then_some(place);
        Ok(self.lease(key.clone(), channel, received, true, place))
    }

    fn find(
        &self,
        key: &Key,
        now: Instant,
        closed: &mut Vec<Channel>,
    ) -> Option<(Channel, Arc<AtomicU64>)> {
        let mut hosts = self.hosts.lock();
        let host = hosts.hosts.get_mut(key)?;
        if let Some(shared) = &mut host.shared {
            if !shared.sender.is_closed() {
                shared.used = now;
                let shared = shared.clone();
                return Some((Channel::Two(shared.sender), shared.received));
            }
            closed.extend(host.shared.take().map(|shared| Channel::Two(shared.sender)));
        }
        while let Some(idle) = host.idle.pop_back() {
            let is_fresh = now.saturating_duration_since(idle.since) < self.idle_for;
            if is_fresh && !idle.sender.is_closed() {
                return Some((Channel::One(idle.sender), idle.received));
            }
            closed.push(Channel::One(idle.sender));
        }
        None
    }

    /// A connection that was just made.
    pub(super) fn adopt(
        self: &Arc<Self>,
        key: Key,
        dialed: Dialed,
        place: OwnedSemaphorePermit,
    ) -> Lease {
        let Dialed { channel, received } = dialed;
        let place = match &channel {
            Channel::One(_) => Some(place),
            Channel::Two(sender) => {
                self.share(&key, sender.clone(), Arc::clone(&received));
                None
            }
        };
        self.lease(key, channel, received, false, place)
    }

    fn lease(
        self: &Arc<Self>,
        key: Key,
        channel: Channel,
        received: Arc<AtomicU64>,
        is_used: bool,
        place: Option<OwnedSemaphorePermit>,
    ) -> Lease {
        let pool = Arc::downgrade(self);
        Lease {
            pool,
            key,
            channel,
            received,
            is_used,
            progress: None,
            place,
        }
    }

    fn share(
        self: &Arc<Self>,
        key: &Key,
        sender: http2::SendRequest<Body>,
        received: Arc<AtomicU64>,
    ) {
        let shared = Shared {
            sender,
            received,
            used: Instant::now(),
        };
        // Dropped outside the lock: what hyper wakes is code of others.
        let _old = {
            let mut hosts = self.hosts.lock();
            self.see_to_sweeping(&mut hosts);
            let host = hosts.hosts.get_mut(key);
            host.and_then(|host| host.shared.replace(shared))
        };
    }

    fn keep(
        self: &Arc<Self>,
        key: &Key,
        sender: http1::SendRequest<Body>,
        received: Arc<AtomicU64>,
    ) {
        let idle = Idle {
            sender,
            received,
            since: Instant::now(),
        };
        let mut hosts = self.hosts.lock();
        if let Some(host) = hosts.hosts.get_mut(key) {
            host.idle.push_back(idle);
        }
        self.see_to_sweeping(&mut hosts);
    }

    fn see_to_sweeping(self: &Arc<Self>, hosts: &mut Hosts) {
        if hosts.is_swept || filch_executor::Handle::try_current().is_err() {
            return;
        }
        hosts.is_swept = true;
        let pool = Arc::downgrade(self);
        let sweep = Sweep {
            pool,
            is_over: false,
        };
        let _detached = spawn(sweep.run());
    }

    /// Closes what has been idle for too long. Says when to come again, unless nothing is left.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        // Dropped after the lock's end: what hyper wakes is code of others.
        let mut closed = Vec::new();
        let mut next: Option<Instant> = None;
        let mut guard = self.hosts.lock();
        guard.hosts.retain(|_, host| {
            let is_over = |since: Instant| now.saturating_duration_since(since) >= self.idle_for;
            while host
                .idle
                .front()
                .is_some_and(|idle| is_over(idle.since) || idle.sender.is_closed())
            {
                closed.extend(host.idle.pop_front().map(|idle| Channel::One(idle.sender)));
            }
            // Held by its requests as well: dropping this one ends an idle connection only.
            if host
                .shared
                .as_ref()
                .is_some_and(|s| is_over(s.used) || s.sender.is_closed())
            {
                closed.extend(host.shared.take().map(|shared| Channel::Two(shared.sender)));
            }
            let oldest = host.idle.front().map(|idle| idle.since);
            let since = oldest
                .into_iter()
                .chain(host.shared.as_ref().map(|s| s.used))
                .min();
            let due = since.map(|since| since.saturating_add(self.idle_for));
            next = next.into_iter().chain(due).min();
            // Somebody has a place, or waits for one, as long as the count says so.
            since.is_some() || Arc::strong_count(&host.places) > 1
        });
        guard.is_swept = next.is_some();
        next
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("per_host", &self.per_host)
            .field("idle_for", &self.idle_for)
            .finish_non_exhaustive()
    }
}

/// Whoever closes idle connections. If its runtime ends first, the next connection gets another one.
struct Sweep {
    pool: Weak<Pool>,
    /// Nothing was left, and the pool knows.
    is_over: bool,
}

impl Sweep {
    async fn run(mut self) {
        while !self.is_over {
            let next = match self.pool.upgrade() {
                Some(pool) => pool.sweep(Instant::now()),
                None => return,
            };
            match next {
                Some(next) => sleep_until(next).await,
                None => self.is_over = true,
            }
        }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(pool) = self.pool.upgrade() {
            pool.hosts.lock().is_swept = false;
        }
    }
}

impl Lease {
    /// Bytes that have come by this connection so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// The place, without the connection. HTTP/2 needs none.
    pub(super) fn into_place(self) -> Option<OwnedSemaphorePermit> {
        self.place
    }

    /// The answer was read to its end: the connection may serve the next request.
    pub(super) fn give_back(self) {
        let is_sent = self
            .progress
            .as_ref()
            .is_none_or(|progress| progress.is_done());
        let Channel::One(sender) = self.channel else {
            return;
        };
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        if is_sent && !sender.is_closed() {
            pool.keep(&self.key, sender, self.received);
        }
        // Whoever gets it finds the connection.
        drop(self.place);
    }
}
