//! Which kinds of readiness are asked for, and which were seen.

use std::fmt;
use std::ops::{BitOr, BitOrAssign, Sub};

/// What is to be waited for: reading, writing, or either.
///
/// ```
/// use filch::io::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both.remove(Interest::READABLE), Some(Interest::WRITABLE));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Something to read, or the end of it.
    pub const READABLE: Interest = Interest(Ready::READABLE.0);
    /// Room to write, or an end of that.
    pub const WRITABLE: Interest = Interest(Ready::WRITABLE.0);

    /// Whether it is about reading.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        self.0 & Interest::READABLE.0 != 0
    }

    /// Whether it is about writing.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        self.0 & Interest::WRITABLE.0 != 0
    }

    /// Either of the two; the same as `|`.
    #[must_use = "it returns the sum"]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// What is left without `other`; `None` if that is nothing.
    #[must_use = "it returns the rest"]
    pub const fn remove(self, other: Interest) -> Option<Interest> {
        match self.0 & !other.0 {
            0 => None,
            left => Some(Interest(left)),
        }
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Ready(self.0), f)
    }
}

/// What was seen ready. It is a hint: an operation may still say `WouldBlock`.
///
/// ```
/// use filch::io::Ready;
///
/// let seen = Ready::READABLE | Ready::READ_CLOSED;
/// assert!(seen.is_readable() && seen.is_read_closed() && !seen.is_writable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Ready = Ready(0);
    /// Something to read.
    pub const READABLE: Ready = Ready(1);
    /// Room to write.
    pub const WRITABLE: Ready = Ready(1 << 1);
    /// The peer writes no more: reading comes to an end. Told by epoll. [`Selector::Polling`](crate::Selector::Polling)
    /// tells it only when the connection has hung up: there, after a mere half-close, the stream is readable and a read
    /// of zero bytes is the end. So never wait for this bit alone.
    pub const READ_CLOSED: Ready = Ready(1 << 2);
    /// The peer reads no more: writing fails. Not every system, nor every kind of object, tells it: a write does.
    pub const WRITE_CLOSED: Ready = Ready(1 << 3);
    /// All of these.
    pub const ALL: Ready = Ready(0b1111);

    /// Whether nothing is ready.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a read would probably not block: there is something, or the end.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        self.0 & (Ready::READABLE.0 | Ready::READ_CLOSED.0) != 0
    }

    /// Whether a write would probably not block: there is room, or an end of writing.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        self.0 & (Ready::WRITABLE.0 | Ready::WRITE_CLOSED.0) != 0
    }

    /// Whether the peer is known to write no more: see [`READ_CLOSED`](Ready::READ_CLOSED) for who knows it.
    #[must_use]
    pub const fn is_read_closed(self) -> bool {
        self.contains(Ready::READ_CLOSED)
    }

    /// Whether the peer reads no more.
    #[must_use]
    pub const fn is_write_closed(self) -> bool {
        self.contains(Ready::WRITE_CLOSED)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Ready) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Ready {
    type Output = Ready;

    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        self.0 |= other.0;
    }
}

impl Sub for Ready {
    type Output = Ready;

    fn sub(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Ready::READABLE, "READABLE"),
            (Ready::WRITABLE, "WRITABLE"),
            (Ready::READ_CLOSED, "READ_CLOSED"),
            (Ready::WRITE_CLOSED, "WRITE_CLOSED"),
        ];
        let names = names.iter().filter(|(bit, _)| self.contains(*bit));
        let names: Vec<&str> = names.map(|(_, name)| *name).collect();
        match names.is_empty() {
            true => f.write_str("EMPTY"),
            false => f.write_str(&names.join(" | ")),
        }
    }
}
