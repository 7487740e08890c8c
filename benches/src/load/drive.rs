//! The generator's loop: one epoll over all connections.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use hdrhistogram::Histogram;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::asked::Asked;
use super::connection::Connection;
use super::spec::{Load, Mode, Outcome, Window, histogram};
use super::wire::Target;
use crate::harness::clock::{self, Moment};

/// Events taken per wait.
const EVENTS: usize = 256;
/// From one look at the sockets to the next, at least, in a closed loop of several connections: what a network card
/// that coalesces interrupts does. Without it a generator of higher priority preempts the server at every single answer
/// and has the next request there before the server's task looks again. That task then never waits, one connection gets
/// nearly all requests and the others starve, and the throughput is that of a ping-pong between two threads: measured
/// here, smol beside two computing tasks made 150 000 requests/s with it and 400 without, at a longest wait of 0.1 s in
/// both.
const COALESCE: Duration = Duration::from_micros(30);
/// With so many connections at most, the generator does not sleep through what is left of [`COALESCE`], but lets it
/// pass: they give it too little to do, so that it would leave its processor idle every time. Where an idle processor
/// has to be called back by a hypervisor, these 30 µs were 90, and the row measured little else: all servers that
/// answered sooner had 20 000 requests/s.
const FEW: usize = 4;
/// How long one exchange per connection may take altogether, for idle connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// All connections and what they have achieved.
pub(super) struct Driver {
    epoll: OwnedFd,
    target: Target,
    load: Load,
    /// What each connection asks for: that counts first, then the routes that compute.
    asked: Vec<Asked>,
    /// Those that count, and then one for each route that computes.
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    events: Vec<Event>,
    latencies: Histogram<u64>,
    begun_late: Histogram<u64>,
    requests: u64,
    opened: usize,
}

impl Driver {
    /// Opens all connections.
    pub(super) fn new(target: &Target, load: Load) -> io::Result<Driver> {
        let asked = asked(target, load);
        let connections = load.connections + asked.len() - 1;
        let mut driver = Driver {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            target: target.clone(),
            load,
            buffer: vec![0; asked[0].buffer()],
            asked,
            connections: Vec::with_capacity(connections),
            events: Vec::with_capacity(EVENTS),
            latencies: histogram(),
            begun_late: histogram(),
            requests: 0,
            opened: 0,
        };
        for index in 0..connections {
            let socket = driver.open(index)?;
            driver.connections.push(Connection::new(socket, index));
        }
        Ok(driver)
    }

    /// A new socket that reports its events as those of connection `index`.
    fn open(&mut self, index: usize) -> io::Result<OwnedFd> {
        let socket = self.target.connect(self.opened)?;
        self.opened += 1;
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(
            &self.epoll,
            &socket,
            EventData::new_u64(index as u64),
            interest,
        )?;
        Ok(socket)
    }

    /// Puts the load on for the window and reports. `mark` is called where the window begins and ends.
    pub(super) fn run(mut self, window: Window, mark: &dyn Fn()) -> io::Result<Outcome> {
        let mut schedule = Schedule::new(self.load, Moment::now());
        let first = match schedule.interval {
            None => 0,
            // What is scheduled begins when it is due. Routes that compute are asked all the time.
            Some(_) => self.load.connections,
        };
        self.begin_all(first)?;
        self.drive_until(Moment::now() + window.warm_up, &mut schedule)?;
        self.requests = 0;
        self.latencies.reset();
        self.begun_late.reset();
        let (cpu_before, start) = (clock::thread_cpu(), Moment::now());
        mark();
        self.drive_until(start + window.measured, &mut schedule)?;
        while self.requests == 0 && start.elapsed() < window.measured + window.patience {
            self.drive_until(Moment::now() + window.measured / 10, &mut schedule)?;
        }
        let (elapsed, cpu, end) = (
            start.elapsed(),
            clock::thread_cpu() - cpu_before,
            Moment::now(),
        );
        mark();
        if schedule.interval.is_some() {
            self.charge_unanswered(end);
        }
        Ok(Outcome {
            requests: self.requests,
            elapsed,
            overdue: self.overdue(end),
            latencies: self.latencies,
            begun_late: self.begun_late,
            generator_cpu: cpu.as_secs_f64() / elapsed.as_secs_f64(),
        })
    }

    /// One exchange on every connection; then all are idle.
    pub(super) fn exchange_once(&mut self) -> io::Result<()> {
        self.begin_all(0)?;
        let start = Moment::now();
        while self
            .connections
            .iter()
            .any(|connection| connection.due.is_some())
        {
            if start.elapsed() > PATIENCE {
                return Err(io::Error::other(format!(
                    "not every connection was answered within {PATIENCE:?}"
                )));
            }
            self.turn(Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// The first request of each connection from that one on.
    fn begin_all(&mut self, first: usize) -> io::Result<()> {
        (first..self.connections.len()).try_for_each(|index| self.begin(index, Moment::now()))
    }

    fn begin(&mut self, index: usize, due: Moment) -> io::Result<()> {
        let asked = &self.asked[self.kind(index)];
        self.connections[index].begin(due, asked)
    }

    /// Which of `asked` a connection asks for; 0 is what counts.
    fn kind(&self, index: usize) -> usize {
        (index + 1).saturating_sub(self.load.connections)
    }

    fn drive_until(&mut self, end: Moment, schedule: &mut Schedule) -> io::Result<()> {
        loop {
            let now = Moment::now();
            if now >= end {
                return Ok(());
            }
            while let Some((index, due)) = schedule.next_due(now) {
                self.request(index, due)?;
            }
            self.turn(schedule.next.map_or(end, |next| next.min(end)).since(now))?;
            if self.coalesces() {
                self.coalesce_since(now);
            }
        }
    }

    /// See [`COALESCE`]. One connection has nothing to batch, and an open loop does not answer an answer.
    fn coalesces(&self) -> bool {
        self.load.connections > 1 && matches!(self.load.mode, Mode::Closed | Mode::Connect)
    }

    fn coalesce_since(&self, start: Moment) {
        if self.connections.len() > FEW {
            return std::thread::sleep(COALESCE.saturating_sub(start.elapsed()));
        }
        while start.elapsed() < COALESCE {
            std::hint::spin_loop();
        }
    }

    /// Sends a request that is due, or queues it behind the one under way.
    fn request(&mut self, index: usize, due: Moment) -> io::Result<()> {
        let connection = &mut self.connections[index];
        if connection.due.is_some() {
            connection.waiting.push_back(due);
            return Ok(());
        }
        self.begun_late
            .saturating_record(nanoseconds(Moment::now().since(due)));
        self.begin(index, due)
    }

    /// Waits for events, for at most `patience`, and handles them.
    fn turn(&mut self, patience: Duration) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: patience.as_secs() as i64,
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&timeout),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for position in 0..self.events.len() {
            let index = self.events[position].data.u64() as usize;
            let asked = &self.asked[self.kind(index)];
            if self.connections[index].proceed(asked, &mut self.buffer)? {
                self.answered(index)?;
            }
        }
        Ok(())
    }

    /// Counts an answer and sends the connection's next request, if it has one.
    fn answered(&mut self, index: usize) -> io::Result<()> {
        let now = Moment::now();
        if self.kind(index) > 0 {
            return self.begin(index, now);
        }
        let connection = &mut self.connections[index];
        if let Some(due) = connection.due.take() {
            self.requests += 1;
            self.latencies
                .saturating_record(nanoseconds(now.since(due)));
        }
        match self.load.mode {
            Mode::Closed => self.begin(index, now),
            Mode::Open { .. } => match connection.waiting.pop_front() {
                Some(due) => self.begin(index, due),
                None => Ok(()),
            },
            Mode::Connect => {
                // Dropping the old socket closes it, and that takes it out of epoll.
                self.connections[index].socket = self.open(index)?;
                self.begin(index, now)
            }
            Mode::Idle | Mode::Ticks => Ok(()),
        }
    }

    /// Requests that were due and have no answer count with their age: leaving them out would hide the longest waits.
    fn charge_unanswered(&mut self, end: Moment) {
        for connection in &self.connections[..self.load.connections] {
            for due in connection.due.iter().chain(&connection.waiting) {
                self.latencies
                    .saturating_record(nanoseconds(end.since(*due)));
            }
        }
    }

    fn overdue(&self, end: Moment) -> u64 {
        let overdue = |connection: &&Connection| {
            connection
                .due
                .is_some_and(|due| end.since(due) > Duration::from_millis(100))
        };
        if self.target.is_datagram() {
            self.connections.iter().filter(overdue).count() as u64
        } else {
            0
        }
    }
}

/// What counts, and then what the routes are asked that compute.
fn asked(target: &Target, load: Load) -> Vec<Asked> {
    let Target::Http { computing, .. } = target else {
        return vec![Asked::echo(load.bytes)];
    };
    let computing = (0..*computing).map(|hog| Asked::http(&format!("/compute/{hog}")));
    std::iter::once(Asked::http("/plaintext"))
        .chain(computing)
        .collect()
}

/// When the requests of an open loop are due, and on which connection.
#[derive(Debug)]
struct Schedule {
    interval: Option<Duration>,
    next: Option<Moment>,
    turn: usize,
    connections: usize,
}

impl Schedule {
    fn new(load: Load, start: Moment) -> Schedule {
        let interval = match load.mode {
            Mode::Open { rate } => Some(Duration::from_secs(1) / rate),
            Mode::Closed | Mode::Connect | Mode::Idle | Mode::Ticks => None,
        };
        Schedule {
            interval,
            next: interval.map(|_| start),
            turn: 0,
            connections: load.connections,
        }
    }

    /// The next request that is due by `now`: its connection, and when it was due.
    fn next_due(&mut self, now: Moment) -> Option<(usize, Moment)> {
        let due = self.next.filter(|&due| due <= now)?;
        self.next = self.interval.map(|interval| due + interval);
        self.turn = (self.turn + 1) % self.connections;
        Some((self.turn, due))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_catches_up_with_what_was_due_and_no_more() {
        let start = Moment::now();
        let load = Load {
            connections: 2,
            bytes: 1,
            mode: Mode::Open { rate: 1000 },
        };
        let mut schedule = Schedule::new(load, start);
        let now = start + Duration::from_micros(2500);
        let mut due = Vec::new();
        while let Some((index, moment)) = schedule.next_due(now) {
            due.push((index, moment.since(start).as_millis()));
        }
        assert_eq!(due, [(1, 0), (0, 1), (1, 2)]);
    }

    #[test]
    fn a_closed_loop_has_nothing_scheduled() {
        let load = Load {
            connections: 2,
            bytes: 1,
            mode: Mode::Closed,
        };
        assert_eq!(
            Schedule::new(load, Moment::now()).next_due(Moment::now()),
            None
        );
    }
}
