//! Branches that are off.

use super::*;

#[test]
fn of_a_future_that_only_panics_the_type_need_not_be_said() {
    let broken = poll_fn(|_| panic!("it was polled"));
    now(async {
        filch::select! { _ = broken, if false => unreachable!(), () = ready(()) => {} }
    });
}

#[test]
fn a_false_condition_makes_the_future_and_does_not_poll_it() {
    let made = Cell::new(false);
    let make = || {
        made.set(true);
        poll_fn(|_| -> Poll<()> { panic!("it was polled") })
    };
    let chosen = now(async {
        filch::select! {
            () = make(), if false => 1,
            () = ready(()) => 2,
        }
    });
    assert_eq!((chosen, made.get()), (2, true));
}

#[test]
fn conditions_come_before_futures() {
    let order = RefCell::new(String::new());
    let say = |what: &str| order.borrow_mut().push_str(what);
    now(async {
        filch::select! {
            () = { say("c"); ready(()) }, if { say("a"); true } => {}
            () = { say("d"); ready(()) }, if { say("b"); true } => {}
        }
    });
    assert_eq!(*order.borrow(), "abcd");
}

#[test]
fn if_let_gives_the_future_what_it_binds() {
    let chosen = |mut from: Option<Ready<u8>>| {
        now(async move {
            filch::select! {
                biased;
                x = future, if let Some(future) = &mut from => x,
                x = ready(0) => x,
            }
        })
    };
    assert_eq!((chosen(Some(ready(9))), chosen(None)), (9, 0));
    assert_eq!(
        now(async {
            filch::select! { x = ready(y), if let y = 3 => { x } }
        }),
        3
    );
    assert_eq!(
        now(async {
            filch::select! { x = ready(y), if let Some(y) = None::<u8> => x, else => 4 }
        }),
        4
    );
}

#[test]
fn an_output_that_does_not_match_disables_its_branch() {
    let mut polls = 0;
    let once = poll_fn(move |_| {
        polls += 1;
        assert_eq!(polls, 1, "a future that was ready is not polled again");
        Poll::Ready(None::<u8>)
    });
    let (sender, receiver) = oneshot::channel();
    let mut selected = pin!(async {
        filch::select! {
            Some(_) = once => unreachable!(),
            value = receiver => value.unwrap(),
        }
    });
    assert!(poll_once(selected.as_mut()).is_pending());
    assert!(poll_once(selected.as_mut()).is_pending());
    sender.send(1).unwrap();
    assert_eq!(now(selected), 1);
}

#[test]
fn when_all_are_disabled_else_runs() {
    let chosen = now(async {
        filch::select! {
            Some(_) = ready(None::<u8>) => 1,
            _ = pending::<()>(), if false => 2,
            else => 3,
        }
    });
    assert_eq!(chosen, 3);
}

#[test]
#[should_panic(expected = "every branch of a `select!` is disabled")]
fn when_all_are_disabled_without_else_it_panics() {
    now(async {
        filch::select! { Some(_) = ready(None::<u8>) => {} }
    });
}
