//! What is sent, and what has to come back: bytes that are echoed, or a text over HTTP.

use std::io;

/// The body of every answer of an HTTP server.
pub(crate) const PLAINTEXT: &str = "Hello, World!";

/// How many different requests there are; a prime, so that neighbours differ.
const VARIANTS: usize = 251;
/// Answers of the HTTP servers are far smaller, and come in one piece.
const LARGEST: usize = 4096;

/// All requests of one kind.
#[derive(Debug)]
pub(super) enum Asked {
    /// Each is a different window of one sequence of bytes that never repeats within a window's neighbourhood, so an
    /// answer to another request, or one out of place, differs.
    Echo {
        /// That sequence.
        bytes: Vec<u8>,
        /// Of a request, and of its answer.
        size: usize,
    },
    /// One request of HTTP/1.1 on a connection that is kept.
    Http(String),
}

impl Asked {
    pub(super) fn echo(size: usize) -> Asked {
        let mut generator = fastrand::Rng::with_seed(0x0066_696c_6368);
        Asked::Echo {
            bytes: (0..size + VARIANTS).map(|_| generator.u8(..)).collect(),
            size,
        }
    }

    pub(super) fn http(path: &str) -> Asked {
        Asked::Http(format!("GET {path} HTTP/1.1\r\nhost: filch-bench\r\n\r\n"))
    }

    /// How much is read at a time.
    pub(super) fn buffer(&self) -> usize {
        match self {
            Asked::Echo { size, .. } => (*size).min(256 * 1024),
            Asked::Http(_) => LARGEST,
        }
    }

    pub(super) fn request(&self, number: usize) -> &[u8] {
        match self {
            Asked::Echo { bytes, size } => {
                let start = number % VARIANTS;
                &bytes[start..start + size]
            }
            Asked::Http(request) => request.as_bytes(),
        }
    }

    /// How much may still come of an answer of which so much is there.
    pub(super) fn wanted(&self, received: usize) -> usize {
        match self {
            Asked::Echo { size, .. } => size - received,
            Asked::Http(_) => LARGEST,
        }
    }

    /// Looks at the next piece of an answer. True when that is whole.
    ///
    /// # Errors
    /// When it is not the answer to that request.
    pub(super) fn check(&self, number: usize, received: usize, piece: &[u8]) -> io::Result<bool> {
        match self {
            Asked::Echo { size, .. } => {
                let end = received + piece.len();
                match self.request(number)[received..end] == *piece {
                    true => Ok(end == *size),
                    false => Err(io::Error::other(format!(
                        "an answer differs from its request of {size} bytes"
                    ))),
                }
            }
            Asked::Http(_) if is_plaintext(piece) => Ok(true),
            Asked::Http(_) => Err(io::Error::other(format!(
                "no 200 with the text in one piece: {:?}",
                String::from_utf8_lossy(piece)
            ))),
        }
    }
}

/// A whole answer and nothing else.
fn is_plaintext(answer: &[u8]) -> bool {
    let Ok(answer) = std::str::from_utf8(answer) else {
        return false;
    };
    answer.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = format!("content-length: {}", PLAINTEXT.len());
        head.starts_with("HTTP/1.1 200 ")
            && head.lines().any(|line| line.eq_ignore_ascii_case(&length))
            && body == PLAINTEXT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_neighbouring_numbers_differ() {
        let asked = Asked::echo(64);
        for number in 0..VARIANTS {
            assert_ne!(asked.request(number), asked.request(number + 1));
            assert_eq!(asked.request(number).len(), 64);
        }
    }

    #[test]
    fn an_answer_over_http_is_a_200_with_the_text_and_nothing_else() {
        let asked = Asked::http("/plaintext");
        let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{PLAINTEXT}");
        assert!(asked.check(0, 0, whole.as_bytes()).unwrap());
        for other in [
            whole.replace("200", "500"),
            whole.replace("World", "world"),
            whole[..whole.len() - 1].to_owned(),
            whole.clone() + "H",
        ] {
            assert!(asked.check(0, 0, other.as_bytes()).is_err(), "{other}");
        }
    }
}
