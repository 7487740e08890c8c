//! Reading and writing: futures' traits, and what a runtime adds to them.
//!
//! The traits `AsyncRead`, `AsyncWrite`, `AsyncBufRead` and `AsyncSeek` and their `Ext` traits are
//! those of the `futures` crates, so that whatever speaks them works with filch. On top of them are here:
//! [`copy`] and [`copy_bidirectional`], which flush while the reader is idle; [`duplex`], a pair in
//! memory; [`split`]; reads with a limit ([`ReadLimitExt`]); and the process's [`stdin`], [`stdout`] and
//! [`stderr`].
//!
//! Sockets are in [`net`](crate::net).

mod interest;
pub(crate) mod waiting;

mod copy;
mod copy_bidirectional;
mod duplex;
mod limit;
mod split;
mod stdin;
mod stdout;

pub use crate::sys::append::Append;
pub use copy::copy;
pub use copy_bidirectional::copy_bidirectional;
pub use duplex::{DuplexStream, duplex};
pub use interest::{Interest, Ready};
pub use limit::{ReadLimit, ReadLimitExt};
pub use split::split;
pub use stdin::{Stdin, stdin};
pub use stdout::{Stderr, Stdout, stderr, stdout};

pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
pub use futures_util::io::{
    AllowStdIo, AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter,
    Chain, Cursor, Empty, LineWriter, Lines, ReadHalf, Repeat, ReuniteError, Sink, Take, WriteHalf,
    empty, repeat, sink,
};
pub use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Result, SeekFrom};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::copy::CopyAll;
    pub use super::copy_bidirectional::CopyBidirectional;
    pub use super::limit::{ReadLineLimit, ReadUntilLimit};
}
