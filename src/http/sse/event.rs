//! One event, in the text that it is sent as.

use hyper::body::Bytes;
use std::borrow::Cow;
use std::fmt::{self, Write};
use std::time::Duration;

/// A server-sent event, with axum's names: [`data`](Event::data), [`event`](Event::event), [`id`](Event::id).
///
/// ```
/// use filch::http::sse::Event;
///
/// let event = Event::new().event("greeting").data("hello\nworld");
/// assert_eq!(event.to_string(), "event: greeting\ndata: hello\ndata: world\n\n");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "an event is sent by a stream"]
pub struct Event {
    text: Cow<'static, str>,
}

impl Event {
    /// An empty comment: what [`KeepAlive`](super::KeepAlive) sends by default.
    pub const DEFAULT_KEEP_ALIVE: Event = Event {
        text: Cow::Borrowed(":\n"),
    };

    /// An event without anything yet.
    pub fn new() -> Event {
        Event::default()
    }

    /// What it tells. Each line is sent as one, and the client puts them together again.
    pub fn data(mut self, data: impl AsRef<str>) -> Event {
        // The three ends of a line that clients know. `\r` alone would end one as well.
        let data = data.as_ref().replace("\r\n", "\n").replace('\r', "\n");
        for line in data.split('\n') {
            self.field("data", line);
        }
        self
    }

    /// What it tells, as JSON: of a value or of a reference. With the feature `json`.
    ///
    /// # Errors
    /// If it cannot be JSON.
    #[cfg(feature = "json")]
    pub fn json_data<T: serde::Serialize>(self, data: T) -> Result<Event, serde_json::Error> {
        Ok(self.data(serde_json::to_string(&data)?))
    }

    /// What it tells, piece by piece: by `write!`, or whatever else writes text.
    pub fn into_data_writer(self) -> EventDataWriter {
        EventDataWriter {
            event: self,
            has_begun: false,
            was_return: false,
        }
    }

    /// Its kind: the name that the client listens to, `message` by default.
    ///
    /// # Panics
    /// If it has a line break.
    #[track_caller]
    pub fn event(mut self, name: impl AsRef<str>) -> Event {
        self.field("event", one_line(name.as_ref()));
        self
    }

    /// Its id. A client that connects again says which one it saw last, in `Last-Event-ID`.
    ///
    /// # Panics
    /// If it has a line break or a 0.
    #[track_caller]
    pub fn id(mut self, id: impl AsRef<str>) -> Event {
        let id = one_line(id.as_ref());
        assert!(
            !id.contains('\0'),
            "an event's id has no 0: clients would pass over it"
        );
        self.field("id", id);
        self
    }

    /// How long the client waits before it connects again. In whole milliseconds.
    pub fn retry(mut self, wait: Duration) -> Event {
        self.field("retry", &wait.as_millis().to_string());
        self
    }

    /// A comment, which clients pass over.
    ///
    /// # Panics
    /// If it has a line break.
    #[track_caller]
    pub fn comment(mut self, text: impl AsRef<str>) -> Event {
        self.field("", one_line(text.as_ref()));
        self
    }

    fn field(&mut self, name: &str, value: &str) {
        let space = if value.is_empty() { "" } else { " " };
        let _ = writeln!(self.text.to_mut(), "{name}:{space}{value}");
    }

    pub(super) fn into_bytes(self) -> Bytes {
        let mut text = self.text.into_owned();
        text.push('\n');
        text.into()
    }
}

/// As it is sent.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)
    }
}

/// Writes what an event tells: of [`Event::into_data_writer`]. Each line is sent as one, wherever its end is written.
///
/// ```
/// use filch::http::sse::Event;
/// use std::fmt::Write;
///
/// let mut writer = Event::new().event("sum").into_data_writer();
/// write!(writer, "1 + 1\n= {}", 1 + 1).unwrap();
/// let event = writer.into_event();
/// assert_eq!(event.to_string(), "event: sum\ndata: 1 + 1\ndata: = 2\n\n");
/// ```
#[derive(Debug)]
#[must_use = "an event is sent by a stream"]
pub struct EventDataWriter {
    event: Event,
    /// Something was written: a line is open.
    has_begun: bool,
    /// The last thing that was written is `\r`, so a `\n` that comes now belongs to the same end of a line.
    was_return: bool,
}

impl EventDataWriter {
    /// The event, with what was written. If that was nothing, it tells nothing.
    pub fn into_event(mut self) -> Event {
        if self.has_begun {
            self.event.text.to_mut().push('\n');
        }
        self.event
    }
}

impl fmt::Write for EventDataWriter {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        if text.is_empty() {
            return Ok(());
        }
        let lines = self.event.text.to_mut();
        if !std::mem::replace(&mut self.has_begun, true) {
            lines.push_str("data: ");
        }
        if std::mem::take(&mut self.was_return) {
            text = text.strip_prefix('\n').unwrap_or(text);
        }
        while let Some(end) = text.find(['\r', '\n']) {
            let (line, rest) = text.split_at(end);
            let _ = write!(lines, "{line}\ndata: ");
            self.was_return = rest == "\r";
            let length = if rest.starts_with("\r\n") { 2 } else { 1 };
            text = &rest[length..];
        }
        lines.push_str(text);
        Ok(())
    }
}

#[track_caller]
fn one_line(text: &str) -> &str {
    assert!(
        !text.contains(['\n', '\r']),
        "only an event's data may have several lines"
    );
    text
}
