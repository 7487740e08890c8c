//! The end of a child on Windows.

use crate::sys::process::wait_for_object;
use filch_executor::foreign::WakerCell;
use filch_executor::leaf::{self, Wait};
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{io, thread};

/// Who tells that a child has ended.
#[derive(Debug)]
pub(in crate::process) struct Exit {
    /// For the thread that waits, until it is started.
    handle: Option<OwnedHandle>,
    waiting: Arc<WakerCell>,
}

impl Exit {
    pub(in crate::process) fn of(child: &Child) -> io::Result<Exit> {
        Ok(Exit {
            handle: Some(child.as_handle().try_clone_to_owned()?),
            waiting: Arc::default(),
        })
    }

    /// Tries, and waits until `look` has something to say.
    pub(in crate::process) fn poll(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
        mut look: impl FnMut() -> io::Result<Option<ExitStatus>>,
    ) -> Poll<io::Result<ExitStatus>> {
        self.waiting.register(cx.waker());
        if let Some(handle) = self.handle.take() {
            let waiting = Arc::clone(&self.waiting);
            let thread = thread::Builder::new().name("filch-child".into());
            thread.spawn(move || {
                // If it fails, whoever waits looks, and gets the error.
                let _ = wait_for_object(handle.as_handle());
                waiting.wake();
            })?;
        }
        // After the waker is in its place: an end from here on finds it.
        match look()? {
            Some(status) => Poll::Ready(Ok(status)),
            None => {
                leaf::record(wait);
                Poll::Pending
            }
        }
    }

    pub(in crate::process) fn none() -> Exit {
        Exit {
            handle: None,
            waiting: Arc::default(),
        }
    }

    pub(in crate::process) fn end(&mut self) {}
}
