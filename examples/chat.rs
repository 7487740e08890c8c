//! A chat server with rooms, for `telnet` or `nc`: lines go to everybody else in the room.
//!
//! ```text
//! cargo run --example chat
//! nc 127.0.0.1 7002
//! ```
//!
//! `/join ROOM` goes to another room. On Ctrl-C or SIGTERM everybody is told, and the server ends.
//!
//! Nobody can harm the others: a line has a longest length and a longest time to come, and a client that says nothing
//! has to leave. One that does not read what it is sent misses lines, and is told how many; after a while it has to
//! leave as well.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use filch::CancelToken;
use filch::io::{BufReader, ReadLimitExt};
use filch::net::{TcpListener, TcpStream, serve};
use filch::signal::{ctrl_c, terminate};
use filch::sync::broadcast::{self, RecvError};
use filch::time::{FutureExt, Instant, timeout_at};

const USAGE: &str = "\
A chat server.

  --addr ADDR      where to listen (default 127.0.0.1:7002; port 0 lets the system choose)
  --silence SECS   who says nothing for so long has to leave (default 600)
";

/// The longest line and the longest name, in bytes.
const LINE: usize = 1024;
const NAME: usize = 32;
/// So many lines of a room wait for who is slow.
const BACKLOG: usize = 64;
/// Where everybody begins.
const HALL: &str = "hall";
/// How long the last words may take.
const GRACE: Duration = Duration::from_secs(5);

#[filch::main]
async fn main() -> io::Result<()> {
    let options = Options::from_arguments().unwrap_or_else(|error| {
        eprintln!("chat: {error}\n\n{USAGE}");
        std::process::exit(2)
    });
    let listener = TcpListener::bind(options.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    let (house, stop) = (Arc::new(House::default()), CancelToken::new());
    filch::spawn(cancel_when_asked(stop.clone()));
    let theirs = stop.clone();
    let served = serve(listener, move |stream, _| {
        visit(stream, Arc::clone(&house), options.silence, theirs.clone())
    });
    let served = served.limit(10_000).graceful(stop, GRACE).await?;
    println!(
        "{} visits, {} of them cut off",
        served.accepted, served.cancelled
    );
    Ok(())
}

async fn cancel_when_asked(stop: CancelToken) -> io::Result<()> {
    filch::select! {
        outcome = ctrl_c() => outcome?,
        outcome = terminate() => outcome?,
    }
    stop.cancel_because("the process was asked to end");
    Ok(())
}

/// One client, from hello to goodbye.
async fn visit(
    stream: TcpStream,
    house: Arc<House>,
    silence: Duration,
    stop: CancelToken,
) -> io::Result<()> {
    let mut client = Client::new(&stream, silence);
    let mut question = "What is your name?\n".to_owned();
    let mut member = loop {
        client.tell(&question).await?;
        let Ok(name) = stop.run(client.hear()).await else {
            return client.tell("* the server ends\n").await;
        };
        let Some(name) = name? else { return Ok(()) };
        match House::enter(&house, &name) {
            Ok(member) => break member,
            Err(refusal) => question = format!("{refusal} What is your name?\n"),
        }
    };
    match talk(&mut client, &mut member, &stop).await {
        Ok(()) => Ok(()),
        Err(error) => {
            member.farewell = format!("had to leave: {error}");
            client.tell(&format!("* you {}\n", member.farewell)).await
        }
    }
}

async fn talk(client: &mut Client<'_>, member: &mut Member, stop: &CancelToken) -> io::Result<()> {
    client.tell(&member.greeting()).await?;
    loop {
        // Each of them can be dropped and asked again: nothing is lost of who comes too late.
        filch::select! {
            () = stop.cancelled() => return client.tell("* the server ends\n").await,
            said = member.heard.recv() => match said {
                Ok(said) if said.by != member.name => client.tell(&said.line).await?,
                Ok(_) | Err(RecvError::Closed) => {}
                Err(RecvError::Lagged(missed)) => {
                    client.tell(&format!("* you missed {missed} lines\n")).await?;
                }
            },
            line = client.hear() => match line? {
                None => return Ok(()),
                Some(line) => match line.strip_prefix("/join ") {
                    Some(room) => {
                        member.go(room.trim());
                        client.tell(&member.greeting()).await?;
                    }
                    None => member.say(&line),
                },
            },
        }
    }
}

/// Who is spoken to.
struct Client<'a> {
    stream: &'a TcpStream,
    lines: BufReader<&'a TcpStream>,
    /// What has come of a line.
    line: Vec<u8>,
    silence: Duration,
    /// When the next line has to be there.
    deadline: Instant,
}

impl<'a> Client<'a> {
    fn new(stream: &'a TcpStream, silence: Duration) -> Client<'a> {
        Client {
            stream,
            lines: BufReader::new(stream),
            line: Vec::new(),
            silence,
            deadline: Instant::now() + silence,
        }
    }

    /// The next line without white space around it; `None` when the client has gone. Dropped, it loses nothing.
    async fn hear(&mut self) -> io::Result<Option<String>> {
        let read = self.lines.read_until_any(&["\n"], &mut self.line, LINE);
        match timeout_at(self.deadline, read).await? {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let line = String::from_utf8_lossy(&self.line).trim().to_owned();
        self.line.clear();
        self.deadline = Instant::now() + self.silence;
        Ok(Some(line))
    }

    /// Says something. Whoever does not read for too long is given up.
    async fn tell(&self, text: &str) -> io::Result<()> {
        self.stream
            .write_all(text.as_bytes())
            .timeout(self.silence)
            .await?
    }
}

/// The rooms, and who is in them. The lock is never held while anything is waited for; whatever is said is sent under
/// it, so that everybody hears everything in the same order.
#[derive(Default)]
struct House {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rooms: BTreeMap<String, Room>,
    names: BTreeSet<String>,
}

struct Room {
    said: broadcast::Sender<Said>,
    members: BTreeSet<String>,
}

/// A line, and whose.
#[derive(Clone)]
struct Said {
    by: String,
    line: String,
}

impl House {
    /// Makes somebody a member of the hall, unless the name will not do: then the refusal is returned.
    fn enter(this: &Arc<House>, name: &str) -> Result<Member, String> {
        let mut state = this.lock();
        if name.is_empty() || name.len() > NAME {
            return Err(format!("A name has 1 to {NAME} bytes."));
        }
        if !state.names.insert(name.to_owned()) {
            return Err(format!("The name {name} is taken."));
        }
        let (heard, present) = state.enter(HALL, name);
        Ok(Member {
            house: Arc::clone(this),
            name: name.to_owned(),
            room: HALL.to_owned(),
            heard,
            present,
            farewell: "left".to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is said in the room from now on, and who was there before.
    fn enter(&mut self, room: &str, name: &str) -> (broadcast::Receiver<Said>, String) {
        let room = self.rooms.entry(room.to_owned()).or_insert_with(|| Room {
            said: broadcast::channel(BACKLOG).0,
            members: BTreeSet::new(),
        });
        let present: Vec<&str> = room.members.iter().map(String::as_str).collect();
        let present = present.join(", ");
        let heard = room.said.subscribe();
        room.say(name, format!("* {name} came in\n"));
        room.members.insert(name.to_owned());
        (heard, present)
    }

    fn leave(&mut self, from: &str, name: &str, farewell: &str) {
        let Some(room) = self.rooms.get_mut(from) else {
            return;
        };
        room.members.remove(name);
        room.say(name, format!("* {name} {farewell}\n"));
        if room.members.is_empty() {
            self.rooms.remove(from);
        }
    }
}

impl Room {
    fn say(&self, by: &str, line: String) {
        let by = by.to_owned();
        // Nobody may be there to hear it.
        let _ = self.said.send(Said { by, line });
    }
}

/// Somebody in a room, who leaves it when this is dropped, however that comes.
struct Member {
    house: Arc<House>,
    name: String,
    room: String,
    heard: broadcast::Receiver<Said>,
    /// Who was there before.
    present: String,
    /// What the others hear in the end.
    farewell: String,
}

impl Member {
    fn greeting(&self) -> String {
        format!("* here: {}\n", self.present)
    }

    fn say(&self, line: &str) {
        if let Some(room) = self.house.lock().rooms.get(&self.room) {
            room.say(&self.name, format!("{}: {line}\n", self.name));
        }
    }

    /// Into another room. What was said in the old one and not heard is forgotten.
    fn go(&mut self, room: &str) {
        let mut state = self.house.lock();
        state.leave(&self.room, &self.name, &format!("went to {room}"));
        (self.heard, self.present) = state.enter(room, &self.name);
        drop(state);
        self.room = room.to_owned();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.house.lock();
        state.leave(&self.room, &self.name, &self.farewell);
        state.names.remove(&self.name);
    }
}

struct Options {
    addr: String,
    silence: Duration,
}

impl Options {
    fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            addr: "127.0.0.1:7002".to_owned(),
            silence: Duration::from_secs(600),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--addr" => options.addr = value()?,
                "--silence" => options.silence = seconds(&value()?)?,
                "--help" | "-h" => {
                    print!("{USAGE}");
                    std::process::exit(0)
                }
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or(format!("--silence takes a number of seconds, not '{text}'"))
}
