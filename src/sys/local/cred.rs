//! Who is at the other end.

/// The user, group and process at the other end of a Unix stream, as they were when it was
/// connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UCred {
    uid: u32,
    gid: u32,
    pid: Option<i32>,
}

impl UCred {
    pub(crate) fn new(uid: u32, gid: u32, pid: Option<i32>) -> UCred {
        UCred { uid, gid, pid }
    }

    /// The user's id.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The group's id.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// The process's id, where the system tells it. Linux does, unless that process is not visible from here: in
    /// another container, say.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.pid
    }
}
