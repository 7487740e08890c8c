//! One event, in the text that it is sent as.

use hyper::body::Bytes;
use std::fmt::Write;
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
    text: String,
}

impl Event {
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

    /// What it tells, as JSON. With the feature `json`.
    ///
    /// # Errors
    /// If it cannot be JSON.
    #[cfg(feature = "json")]
    pub fn json_data<T: serde::Serialize + ?Sized>(
        self,
        data: &T,
    ) -> Result<Event, serde_json::Error> {
        Ok(self.data(serde_json::to_string(data)?))
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
        let _ = writeln!(self.text, "{name}:{space}{value}");
    }

    pub(super) fn into_bytes(mut self) -> Bytes {
        self.text.push('\n');
        self.text.into()
    }
}

/// As it is sent.
impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)
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
