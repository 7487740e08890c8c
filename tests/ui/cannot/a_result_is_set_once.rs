//! Who sends the one value of a `oneshot` has no sender afterwards.

use filch::sync::oneshot;

fn twice() {
    let (sender, _receiver) = oneshot::channel();
    let _ = sender.send(1);
    let _ = sender.send(2);
}

fn main() {}
