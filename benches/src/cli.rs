//! The command line: what can be asked, and nothing else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::harness::calls;
use crate::harness::child;
use crate::harness::instructions;
use crate::harness::options::{Error, RunOptions};
use crate::harness::plan::Plan;
use crate::runtimes::Peer;
use crate::serve::{self, Hog, Protocol, Server};

/// Printed for `--help`.
pub(crate) const USAGE: &str = "\
filch-bench list
filch-bench run [ROW or GROUP or PREFIX* ...] [options]
filch-bench draw SAVED.json FILE.svg       draw a result that was saved
filch-bench instructions [PEER ..] [--of BINARY] [--connections N]
                                           what a request of TCP echo costs outside the kernel, by function (one worker,
                                           16 connections; default: filch-unwatched tokio epoll); BINARY: another
                                           commit's harness
filch-bench calls [PEER ..] [--turns N]    which system calls a request of HTTP costs, by strace (--features http);
                                           default: filch tokio

  --peers A,B      whom to compare filch with: tokio, smol, go, asyncio, uvloop, threads (plain threads that do the
                   same as a server), epoll (the loop by hand, one per worker: the floor of server rows),
                   filch-unwatched (filch with its monitor switched off), filch-unlooking (filch that never looks around
                   before it sleeps); default tokio,smol,epoll;
                   `filch` alone: nobody
  --workers N      worker threads of each runtime (default: the number of CPUs)
  --runs N         runs of each peer and row, interleaved (default 5)
  --time MS        how long one run of a micro row measures (default 60); a server row measures ten times that,
                   a mixed row twenty times
  --json FILE      save the result
  --plot FILE.svg  draw the result
  --compare FILE   say which rows of filch got slower than in a saved result by more than 5 % beyond the noise;
                   the exit code is 1 if any did
  --against BINARY the filch-bench of another commit takes part, turn by turn with this one, which runs twice in each
                   turn; then says which rows are even (within 5 % plus the noise, from at least 5 turns). The exit
                   code is 1 if a row is slower or has no verdict. Without --peers nobody else takes part
  --syscalls       count system calls too, in runs of their own (perf if it works here, else strace)
  --pin            the load generator gets the last CPU for itself, the servers the others
  --smoke          tiny sizes, one run: shows that every row works, measures nothing
";

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Command {
    /// `--help`.
    Help,
    /// `list`.
    List,
    /// `run`.
    Run(RunOptions),
    /// `draw`: a saved result, and where the drawing goes.
    Draw(PathBuf, PathBuf),
    /// `instructions`: of these peers.
    Instructions(instructions::Job),
    /// `calls`: of these peers.
    Calls(calls::Job),
    /// `row`: measure one row in this process (started by `run`).
    Row(child::Job),
    /// `serve`: be one server (started by `run`).
    Serve(serve::Job),
}

/// Parses the arguments, the program's name included.
///
/// # Errors
/// A sentence about the first argument that makes no sense.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) | None => return Ok(Command::Help),
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "list" => Ok(Command::List),
        "run" => parse_run(&mut parser).map(|options| options.map_or(Command::Help, Command::Run)),
        "draw" => Ok(Command::Draw(
            parser.value()?.into(),
            parser.value()?.into(),
        )),
        "instructions" => parse_instructions(&mut parser).map(Command::Instructions),
        "calls" => parse_calls(&mut parser).map(Command::Calls),
        "row" => parse_row(&mut parser).map(Command::Row),
        "serve" => parse_serve(&mut parser).map(Command::Serve),
        "help" => Ok(Command::Help),
        other => Err(format!("there is no command \"{other}\"\n\n{USAGE}").into()),
    }
}

/// `None` if help was asked for.
fn parse_run(parser: &mut lexopt::Parser) -> Result<Option<RunOptions>, Error> {
    let mut options = RunOptions::default();
    let mut peers = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) => options.names.push(name.string()?),
            Long("peers") => peers = Some(parse_peers(&parser.value()?.string()?)?),
            Long("workers") => {
                options.workers = at_least_one("--workers", parser.value()?.parse()?)?
            }
            Long("runs") => options.runs = at_least_one("--runs", parser.value()?.parse()?)?,
            Long("time") => options.time = Duration::from_millis(parser.value()?.parse()?),
            Long("json") => options.json = Some(parser.value()?.into()),
            Long("plot") => options.plot = Some(parser.value()?.into()),
            Long("compare") => options.compare = Some(parser.value()?.into()),
            Long("against") => options.against = Some(parser.value()?.into()),
            Long("syscalls" | "strace") => options.syscalls = true,
            Long("pin") => options.pin = true,
            Long("smoke") => options.smoke = true,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    if options.smoke {
        options.runs = 1;
    }
    if options.against.is_some() {
        options.peers = vec![Peer::Filch];
    }
    if let Some(peers) = peers {
        options.peers = peers;
    }
    Ok(Some(options))
}

fn at_least_one(option: &str, number: usize) -> Result<usize, Error> {
    if number == 0 {
        Err(format!("{option} must be at least 1").into())
    } else {
        Ok(number)
    }
}

fn parse_instructions(parser: &mut lexopt::Parser) -> Result<instructions::Job, Error> {
    let (mut peers, mut of, mut connections) = (Vec::new(), None, 16);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) => peers.push(Peer::parse(&name.string()?)?),
            Long("of") => of = Some(parser.value()?.into()),
            Long("connections") => {
                connections = at_least_one("--connections", parser.value()?.parse()?)?
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if peers.is_empty() {
        peers = vec![Peer::FilchUnwatched, Peer::Tokio, Peer::Epoll];
    }
    Ok(instructions::Job {
        peers,
        of,
        connections,
    })
}

fn parse_calls(parser: &mut lexopt::Parser) -> Result<calls::Job, Error> {
    let mut job = calls::Job {
        peers: Vec::new(),
        turns: 5,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) => job.peers.push(Peer::parse(&name.string()?)?),
            Long("turns") => job.turns = at_least_one("--turns", parser.value()?.parse()?)?,
            other => return Err(other.unexpected().into()),
        }
    }
    if job.peers.is_empty() {
        job.peers = vec![Peer::Filch, Peer::Tokio];
    }
    Ok(job)
}

/// filch first, then the others in their own order, each once.
fn parse_peers(list: &str) -> Result<Vec<Peer>, Error> {
    let asked = list
        .split(',')
        .filter(|name| !name.is_empty())
        .map(Peer::parse)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Peer::ALL
        .into_iter()
        .filter(|peer| *peer == Peer::Filch || asked.contains(peer))
        .collect())
}

fn parse_row(parser: &mut lexopt::Parser) -> Result<child::Job, Error> {
    let name = parser.value()?.string()?;
    let peer = Peer::parse(&parser.value()?.string()?)?;
    let mut plan = Plan {
        workers: 2,
        smoke: false,
        budget: Duration::from_millis(60),
        passes: None,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("workers") => plan.workers = parser.value()?.parse()?,
            Long("time") => plan.budget = Duration::from_millis(parser.value()?.parse()?),
            Long("passes") => plan.passes = Some(parser.value()?.parse()?),
            Long("smoke") => plan.smoke = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(child::Job { name, peer, plan })
}

fn parse_serve(parser: &mut lexopt::Parser) -> Result<serve::Job, Error> {
    let peer = Peer::parse(&parser.value()?.string()?)?;
    let mut job = serve::Job {
        peer,
        workers: 2,
        server: Server::default(),
        path: PathBuf::new(),
        board: None,
    };
    let (mut hog, mut hog_time) = (String::from("none"), Duration::ZERO);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("protocol") => job.server.protocol = parse_protocol(&parser.value()?.string()?)?,
            Long("timeout") => job.server.timeout = parser.value()?.parse::<u8>()? != 0,
            Long("buffer") => job.server.buffer = parser.value()?.parse()?,
            Long("hog") => hog = parser.value()?.string()?,
            Long("hog-ms") => hog_time = Duration::from_millis(parser.value()?.parse()?),
            Long("hogs") => job.server.hogs = Some(parser.value()?.parse()?),
            Long("rounds") => job.server.rounds = parser.value()?.parse()?,
            Long("board") => {
                job.board = Some(parser.value()?.into())
                    .filter(|path: &PathBuf| !path.as_os_str().is_empty());
            }
            Long("workers") => job.workers = parser.value()?.parse()?,
            Long("path") => job.path = parser.value()?.into(),
            other => return Err(other.unexpected().into()),
        }
    }
    job.server.hog = Hog::parse(&hog, hog_time)?;
    Ok(job)
}

fn parse_protocol(name: &str) -> Result<Protocol, Error> {
    let known = [
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Unix,
        Protocol::Http,
        Protocol::Ticks,
    ];
    known
        .into_iter()
        .find(|protocol| protocol.to_string() == name)
        .ok_or_else(|| format!("no protocol \"{name}\"").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Error> {
        parse(
            std::iter::once("filch-bench")
                .chain(line.split_whitespace())
                .map(OsString::from),
        )
    }

    /// What a `run` command line asks for.
    fn run_options(line: &str) -> RunOptions {
        match parsed(line) {
            Ok(Command::Run(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn against_another_build_there_are_no_peers_unless_asked_for() {
        let alone = run_options("run --against /other");
        assert_eq!(alone.against, Some(PathBuf::from("/other")));
        assert_eq!(alone.peers, [Peer::Filch]);
        let beside = run_options("run --against /other --peers tokio");
        assert_eq!(beside.peers, [Peer::Filch, Peer::Tokio]);
        let usual = run_options("run");
        let all = [Peer::Filch, Peer::Tokio, Peer::Smol, Peer::Epoll];
        assert_eq!(usual.peers, all);
    }

    #[test]
    fn run_takes_names_and_options_in_any_order() {
        let Ok(Command::Run(options)) =
            parsed("run wake --peers smol,go --workers 4 echo --runs 2")
        else {
            panic!()
        };
        assert_eq!(options.names, ["wake", "echo"]);
        assert_eq!(options.peers, [Peer::Filch, Peer::Smol, Peer::Go]);
        assert_eq!((options.workers, options.runs), (4, 2));
    }

    #[test]
    fn a_server_parses_the_arguments_it_is_started_with() {
        let server = Server {
            protocol: Protocol::Unix,
            timeout: true,
            buffer: 1024,
            hog: Hog::Compute(Duration::from_millis(20)),
            hogs: Some(4),
            rounds: 7,
        };
        let line = format!(
            "serve tokio {}",
            server.arguments(3, "/tmp/s", "/tmp/b").join(" ")
        );
        let Ok(Command::Serve(job)) = parsed(&line) else {
            panic!()
        };
        assert_eq!(
            (job.server, job.workers, job.path),
            (server, 3, PathBuf::from("/tmp/s"))
        );
        assert_eq!(job.board, Some(PathBuf::from("/tmp/b")));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(parsed("run --workers 0").is_err());
        assert!(parsed("run --peers gevent").is_err());
        assert!(parsed("walk").is_err());
        assert!(matches!(parsed(""), Ok(Command::Help)));
    }
}
