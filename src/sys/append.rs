//! Buffers that a read appends to, without that anybody initialises their memory before.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Poll, ready};

/// Room that a full buffer is given before a read; one read's usual size.
const GROWTH: usize = 8 * 1024;

/// What `read_buf` and `recv_buf` take: a `Vec<u8>`. With the feature `bytes` also a `bytes::BytesMut`, and a
/// `bytes::buf::Limit` around either, which is never made larger than its limit.
///
/// The trait is sealed.
pub trait Append: sealed::Sealed {
    /// The memory behind the end, not empty if there can be any.
    #[doc(hidden)]
    fn room(&mut self) -> &mut [MaybeUninit<u8>];

    /// # Safety
    /// The first `count` bytes of [`room`](Append::room) have been initialised since it was last asked for.
    #[doc(hidden)]
    unsafe fn grow(&mut self, count: usize);
}

impl Append for Vec<u8> {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        if self.len() == self.capacity() {
            self.reserve(GROWTH);
        }
        self.spare_capacity_mut()
    }

    unsafe fn grow(&mut self, count: usize) {
        let length = self.len() + count;
        // SAFETY: as the caller promises; they are within the capacity.
        unsafe { self.set_len(length) };
    }
}

/// Reads once behind the end of `buf` by the io traits, which want memory that is initialised: it is zeroed here.
pub(crate) fn read_behind<B: Append>(
    buf: &mut B,
    read: impl FnOnce(&mut [u8]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let room = buf.room();
    // A reader that is not ready would have much zeroed in vain.
    let length = room.len().min(8 * GROWTH);
    let room = &mut room[..length];
    room.fill(MaybeUninit::new(0));
    // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, and all of them are initialised.
    let bytes = unsafe { &mut *(std::ptr::from_mut(room) as *mut [u8]) };
    let count = ready!(read(bytes))?;
    assert!(
        count <= length,
        "a reader said that it had read more than it had room for"
    );
    // SAFETY: so many bytes of `room` are initialised.
    unsafe { buf.grow(count) };
    Poll::Ready(Ok(count))
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for Vec<u8> {}

    #[cfg(feature = "bytes")]
    impl Sealed for bytes::BytesMut {}

    #[cfg(feature = "bytes")]
    impl<B: super::Append> Sealed for bytes::buf::Limit<B> {}
}

#[cfg(feature = "bytes")]
mod by_bytes {
    use super::{Append, GROWTH, MaybeUninit};
    use bytes::BytesMut;
    use bytes::buf::{BufMut, Limit};

    impl Append for BytesMut {
        fn room(&mut self) -> &mut [MaybeUninit<u8>] {
            if self.len() == self.capacity() {
                self.reserve(GROWTH);
            }
            self.spare_capacity_mut()
        }

        unsafe fn grow(&mut self, count: usize) {
            // SAFETY: as the caller promises; they are within the capacity.
            unsafe { self.advance_mut(count) };
        }
    }

    impl<B: Append> Append for Limit<B> {
        fn room(&mut self) -> &mut [MaybeUninit<u8>] {
            let limit = self.limit();
            if limit == 0 {
                return &mut [];
            }
            let room = self.get_mut().room();
            let length = room.len().min(limit);
            &mut room[..length]
        }

        unsafe fn grow(&mut self, count: usize) {
            let limit = self.limit();
            // SAFETY: as the caller promises.
            unsafe { self.get_mut().grow(count) };
            self.set_limit(limit - count);
        }
    }
}
