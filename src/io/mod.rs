//! Reading and writing: futures' traits, and what a runtime adds to them.
//!
//! The traits `AsyncRead`, `AsyncWrite`, `AsyncBufRead` and `AsyncSeek` and their `Ext` traits are
//! those of the `futures` crates, so that whatever speaks them works with filch. On top of them are here:
//! [`copy`] and [`copy_bidirectional`], which flush while the reader is idle; [`duplex`] and [`simplex`], pairs in
//! memory; [`split`] and [`join`]; reads with a limit ([`ReadLimitExt`]); numbers ([`ReadNumberExt`]) and buffers
//! ([`ReadBufExt`]); [`SyncIoBridge`] for code that blocks; and the process's [`stdin`], [`stdout`] and [`stderr`].
//!
//! Sockets are in [`net`](crate::net).

mod interest;
pub(crate) mod waiting;

mod copy;
mod copy_bidirectional;
mod copy_buf;
mod duplex;
mod endless;
mod join;
mod simplex;
mod split;

mod buffers;
mod numbers;
mod read_error;
mod until;

mod limit;

mod bridge;
mod stdin;
mod stdout;

pub use crate::sys::append::Append;
pub use bridge::SyncIoBridge;
pub use buffers::ReadBufExt;
#[cfg(feature = "bytes")]
pub use buffers::WriteBufExt;
pub use copy::copy;
pub use copy_bidirectional::copy_bidirectional;
pub use copy_buf::copy_buf;
pub use duplex::{DuplexStream, duplex};
pub use endless::{Empty, Repeat, Sink, empty, repeat, sink};
pub use interest::{Interest, Ready};
pub use join::{Join, join};
pub use limit::ReadLimitExt;
pub use numbers::{ReadNumberExt, WriteNumberExt};
pub use read_error::{IncompleteRead, LimitOverrun, ReadLimit};
pub use simplex::{SimplexReader, SimplexWriter, simplex};
pub use split::split;
pub use stdin::{Stdin, stdin};
pub use stdout::{Stderr, Stdout, stderr, stdout};
pub use until::Found;

pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
pub use futures_util::io::{
    AllowStdIo, AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter,
    Chain, Cursor, LineWriter, Lines, ReadHalf, ReuniteError, Take, WriteHalf,
};
pub use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Result, SeekFrom};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::buffers::ReadInto;
    #[cfg(feature = "bytes")]
    pub use super::buffers::WriteAllBuf;
    pub use super::copy::CopyAll;
    pub use super::copy_bidirectional::CopyBidirectional;
    pub use super::copy_buf::CopyBuf;
    pub use super::limit::{ReadLineLimit, ReadUntilLimit};
    pub use super::numbers::{ReadNumber, WriteNumber};
    pub use super::until::{ReadExactly, ReadUntilAny};
}
