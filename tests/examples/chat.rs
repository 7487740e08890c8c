//! The chat.

use super::tools::*;

/// Enters a chat as `name`; the greeting that comes back names those present.
fn enter(chat: &Server, name: &str) -> (Client, String) {
    let mut client = chat.connect();
    client.expect("What is your name?");
    client.send(&format!("{name}\n"));
    let greeting = client.line();
    (client, greeting)
}

#[test]
fn a_chat_carries_lines_to_everybody_else() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut anna, greeting) = enter(&chat, "anna");
    assert_eq!(greeting, "* here: \n");
    let (mut ben, greeting) = enter(&chat, "ben");
    assert_eq!(greeting, "* here: anna\n");
    anna.expect("* ben came in");
    anna.send("hello ben\n");
    ben.expect("anna: hello ben");
    ben.send("hello anna\n");
    anna.expect("ben: hello anna");
    drop(ben);
    anna.expect("* ben left");
}

#[test]
fn a_chat_refuses_a_name_that_is_taken_or_missing() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (_anna, _) = enter(&chat, "anna");
    let (mut client, refusal) = enter(&chat, "anna");
    assert_eq!(refusal, "The name anna is taken. What is your name?\n");
    client.send("\n");
    client.expect("A name has 1 to 32 bytes. What is your name?");
    client.send("other anna\n");
    client.expect("* here: anna");
}

#[test]
fn a_chat_throws_out_who_is_silent() {
    // Long enough for this test to say a name in time.
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0", "--silence", "3"]);
    let mut nameless = chat.connect();
    let (mut silent, _) = enter(&chat, "silent");
    assert!(
        silent
            .line()
            .starts_with("* you had to leave: the time limit has passed")
    );
    assert_eq!(silent.rest(), "");
    assert_eq!(nameless.rest(), "What is your name?\n");
}

#[test]
fn a_chat_throws_out_who_sends_an_endless_line_and_nobody_else() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut anna, _) = enter(&chat, "anna");
    let (mut endless, _) = enter(&chat, "endless");
    anna.expect("* endless came in");
    endless.send(&"x".repeat(1025));
    let reason = "had to leave: no delimiter within the limit of 1024 bytes";
    endless.expect(&format!("* you {reason}"));
    assert_eq!(endless.rest(), "");
    anna.expect(&format!("* endless {reason}"));
}

#[test]
fn a_chat_has_rooms_that_hear_nothing_of_each_other() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut anna, _) = enter(&chat, "anna");
    let (mut ben, _) = enter(&chat, "ben");
    anna.expect("* ben came in");
    let (mut carl, _) = enter(&chat, "carl");
    anna.expect("* carl came in");
    ben.expect("* carl came in");
    carl.send("/join kitchen\n");
    carl.expect("* here:");
    anna.expect("* carl went to kitchen");
    ben.expect("* carl went to kitchen");
    carl.send("is anybody here?\n");
    ben.send("hello anna\n");
    anna.expect("ben: hello anna");
    anna.send("/join kitchen\n");
    anna.expect("* here: carl");
    ben.expect("* anna went to kitchen");
    // Of what ben has said, carl has heard nothing.
    carl.expect("* anna came in");
    carl.send("hello\n");
    anna.expect("carl: hello");
}

#[test]
fn a_chat_goes_on_beside_a_client_that_does_not_read_and_tells_it_what_it_missed() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut slow, _) = enter(&chat, "slow");
    let (mut ben, _) = enter(&chat, "ben");
    let (mut anna, _) = enter(&chat, "anna");
    ben.expect("* anna came in");
    // Much more than the slow client's socket and the room hold.
    let line = "x".repeat(1000);
    const LINES: usize = 10_000;
    for _ in 0..LINES {
        anna.send(&format!("{line}\n"));
        ben.expect(&format!("anna: {line}"));
    }
    anna.send("the end\n");
    let (mut heard, mut missed) = (0, 0);
    loop {
        let said = slow.line();
        match said.trim_end() {
            "anna: the end" => break,
            said if said.starts_with("* you missed ") => {
                let count = said.split(' ').nth(3).expect("a number");
                missed += count.parse::<usize>().expect("a number");
            }
            said if said.starts_with("anna: ") => heard += 1,
            _ => {}
        }
    }
    assert!(missed > 0);
    assert_eq!(heard + missed, LINES);
}

#[cfg(unix)]
#[test]
fn a_chat_that_ends_tells_everybody() {
    let mut chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let mut nameless = chat.connect();
    nameless.expect("What is your name?");
    let (mut anna, _) = enter(&chat, "anna");
    let (mut ben, _) = enter(&chat, "ben");
    anna.expect("* ben came in");
    ben.send("/join kitchen\n");
    ben.expect("* here:");
    anna.expect("* ben went to kitchen");
    chat.terminate();
    for client in [&mut nameless, &mut anna, &mut ben] {
        client.expect("* the server ends");
        assert_eq!(client.rest(), "");
    }
    assert_eq!(chat.next_line(), "3 visits, 0 of them cut off");
    assert!(chat.process.wait().expect("it ends").success());
}
