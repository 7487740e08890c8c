//! What was cancelled stays so: neither a handle, nor a group, nor a token can take it back.

use filch::{AbortHandle, CancelToken, JoinHandle, TaskGroup};

fn handles(handle: JoinHandle<()>, abort: AbortHandle) {
    handle.abort();
    handle.uncancel();
    abort.uncancel();
}

fn structures(group: TaskGroup<()>, token: CancelToken) {
    group.cancel();
    group.uncancel();
    token.cancel();
    token.uncancel();
}

fn main() {}
