//! A chat server for `telnet` or `nc`: lines go to everybody else in the room.
//!
//! ```text
//! cargo run --example chat
//! nc 127.0.0.1 7002
//! ```
//!
//! Nobody can harm the others: a line has a longest length and a longest time to come, a client that says nothing
//! has to leave, and one that does not read what it is sent is thrown out as soon as the system holds no more for it.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use filch::io::{BufReader, ReadLimitExt};
use filch::net::{TcpListener, TcpStream};
use filch::time::{FutureExt, sleep};

const USAGE: &str = "\
A chat server.

  --addr ADDR      where to listen (default 127.0.0.1:7002; port 0 lets the system choose)
  --silence SECS   who says nothing for so long has to leave (default 600)
";

/// The longest line and the longest name, in bytes.
const LINE: usize = 1024;
const NAME: usize = 32;

#[filch::main]
async fn main() -> io::Result<()> {
    let options = Options::from_arguments().unwrap_or_else(|error| {
        eprintln!("chat: {error}\n\n{USAGE}");
        std::process::exit(2)
    });
    let listener = TcpListener::bind(options.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    let room = Arc::new(Room::default());
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let visit = visit(Arc::new(stream), Arc::clone(&room), options.silence);
                drop(filch::spawn(visit));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One client, from hello to goodbye.
async fn visit(stream: Arc<TcpStream>, room: Arc<Room>, silence: Duration) -> io::Result<()> {
    let mut lines = Lines {
        reader: BufReader::new(&*stream),
        silence,
    };
    let mut question = "What is your name?\n".to_owned();
    let name = loop {
        let asked = stream.write_all(question.as_bytes());
        asked.timeout(silence).await??;
        let Some(name) = lines.next().await? else {
            return Ok(());
        };
        match room.enter(&name, &stream) {
            Ok(()) => break name,
            Err(refusal) => question = format!("{refusal} What is your name?\n"),
        }
    };
    let farewell = loop {
        match lines.next().await {
            Ok(Some(line)) => room.say(&name, &line),
            Ok(None) => break "left".to_owned(),
            Err(error) => break format!("had to leave: {error}"),
        }
    };
    room.leave(&name, &farewell);
    Ok(())
}

/// What a client says.
struct Lines<'a> {
    reader: BufReader<&'a TcpStream>,
    silence: Duration,
}

impl Lines<'_> {
    /// The next line without white space around it; `None` when the client has gone.
    async fn next(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.reader.read_line_limit(&mut line, LINE);
        let count = read.timeout(self.silence).await??;
        Ok((count > 0).then(|| line.trim().to_owned()))
    }
}

/// Who is here, by name. The lock is never held while anything is waited for; whatever is said is sent
/// under it, so that everybody hears everything in the same order.
#[derive(Default)]
struct Room {
    members: Mutex<HashMap<String, Arc<TcpStream>>>,
}

impl Room {
    /// Makes somebody a member, unless the name will not do: then the refusal is returned.
    fn enter(&self, name: &str, stream: &Arc<TcpStream>) -> Result<(), String> {
        let mut members = self.lock();
        if name.is_empty() || name.len() > NAME {
            return Err(format!("A name has 1 to {NAME} bytes."));
        }
        if members.contains_key(name) {
            return Err(format!("The name {name} is taken."));
        }
        let present: Vec<&str> = members.keys().map(String::as_str).collect();
        send(stream, &format!("* here: {}\n", present.join(", ")));
        tell_others(&members, name, &format!("* {name} came in\n"));
        members.insert(name.to_owned(), Arc::clone(stream));
        Ok(())
    }

    fn say(&self, name: &str, line: &str) {
        tell_others(&self.lock(), name, &format!("{name}: {line}\n"));
    }

    fn leave(&self, name: &str, farewell: &str) {
        let mut members = self.lock();
        if let Some(stream) = members.remove(name) {
            send(&stream, &format!("* you {farewell}\n"));
        }
        tell_others(&members, name, &format!("* {name} {farewell}\n"));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<TcpStream>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_others(members: &HashMap<String, Arc<TcpStream>>, name: &str, line: &str) {
    for (_, stream) in members.iter().filter(|(member, _)| *member != name) {
        send(stream, line);
    }
}

/// Sends a line without waiting. If it does not go out as a whole, the client has not read for long: its
/// connection is ended, which its own task will notice.
fn send(stream: &TcpStream, line: &str) {
    if stream.try_write(line.as_bytes()).ok() != Some(line.len()) {
        let _ = stream.shutdown(Shutdown::Both);
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
