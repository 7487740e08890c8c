//! `local`: neither the body nor what it returns need be `Send`.

use std::rc::Rc;

#[filch::main(local)]
async fn main() {
    let shared = Rc::new(5);
    let other = shared.clone();
    let doubled = filch::spawn_local(async move { *other * 2 }).await.unwrap();
    assert_eq!((*shared, doubled), (5, 10));
}
