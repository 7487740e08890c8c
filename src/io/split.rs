//! Halves of anything that reads and writes.

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::io::{AsyncReadExt, ReadHalf, WriteHalf};

/// Splits a stream of any kind into two halves that own it together and take turns with a lock.
///
/// A socket's own `split` and `into_split` are cheaper: they need no lock.
///
/// ```
/// use filch::io::{AsyncReadExt, AsyncWriteExt};
///
/// # filch::run(async {
/// let (ours, mut theirs) = filch::io::duplex(64);
/// let (_reader, mut writer) = filch::io::split(ours);
/// writer.write_all(b"one way").await?;
/// let mut buf = [0; 7];
/// theirs.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"one way");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn split<S: AsyncRead + AsyncWrite>(stream: S) -> (ReadHalf<S>, WriteHalf<S>) {
    stream.split()
}
