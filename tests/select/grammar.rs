//! What may be written in a `select!`.

use super::*;

#[test]
fn a_handler_is_an_expression_or_a_block_with_or_without_a_comma() {
    let of = |kind| {
        now(async move {
            filch::select! {
                x = ready(1), if kind == 0 => x,
                x = ready(2), if kind == 1 => { x }
                x = ready(3), if kind == 2 => { x },
                _ = pending::<()>() => unreachable!(),
                x = ready(4), if kind == 3 => x
            }
        })
    };
    assert_eq!([0, 1, 2, 3].map(of), [1, 2, 3, 4]);
    assert_eq!(now(async { filch::select!(x = ready(5) => { x }) }), 5);
    assert_eq!(now(async { filch::select!(x = ready(6) => x) }), 6);
    assert_eq!(
        now(async { filch::select!(x = ready(7) => { x } else => 8) }),
        7
    );
}

#[test]
fn else_alone_is_its_expression() {
    assert_eq!(filch::select! { else => 1 }, 1);
    assert_eq!(filch::select! { biased; else => 2, }, 2);
}

#[test]
fn patterns_of_all_kinds_bind_for_the_handler() {
    struct Pair {
        left: String,
        right: u8,
    }
    let made = || Pair {
        left: String::from("left"),
        right: 7,
    };
    now(async {
        filch::select! { mut text = ready(String::from("a")) => { text.push('b'); assert_eq!(text, "ab"); } }
        filch::select! { Some(ref text) = ready(Some(String::from("a"))) => assert_eq!(text, "a") }
        filch::select! {
            Some(ref mut text) = ready(Some(String::from("a"))) => { text.push('c'); assert_eq!(text, "ac"); }
        }
        filch::select! { Pair { left, right: 0..=9 } = ready(made()) => assert_eq!(left, "left") }
        filch::select! { Pair { left, .. } = ready(made()) => drop::<String>(left) }
        filch::select! { all @ Pair { right: 7, .. } = ready(made()) => assert_eq!(all.left, "left") }
        filch::select! { Ok(x) | Err(x) = ready(Err::<u8, u8>(3)) => assert_eq!(x, 3) }
        filch::select! { 1 | 2 = ready(2) => {} }
        filch::select! { &x = ready(&9) => assert_eq!(x, 9) }
        filch::select! { (a, _, [.., last]) = ready((1, "", [1, 2, 3])) => assert_eq!((a, last), (1, 3)) }
    });
}

#[test]
fn a_branch_takes_whatever_can_be_awaited() {
    struct NoFuture;
    impl IntoFuture for NoFuture {
        type Output = u8;
        type IntoFuture = Ready<u8>;
        fn into_future(self) -> Ready<u8> {
            ready(4)
        }
    }
    assert_eq!(
        now(async {
            filch::select! { x = NoFuture => x }
        }),
        4
    );
}

#[test]
fn a_temporary_lives_as_long_as_its_future() {
    now(async {
        filch::select! { () = &mut ready(()) => {} }
    });
}

#[test]
fn macros_nest_in_futures_and_in_handlers() {
    let sum = now(async {
        filch::select! {
            x = async { filch::select! { x = ready(1) => x + 1, else => 0 } } => {
                filch::select! { y = ready(x * 10) => x + y, y = pending() => y }
            }
        }
    });
    assert_eq!(sum, 22);
}

#[test]
fn sixty_four_branches_are_not_too_many() {
    macro_rules! branches {
        ($($n:literal)*) => { now(async { filch::select! { biased; $( x = ready($n), if $n == 63 => x, )* } }) };
    }
    let last = branches!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    assert_eq!(last, 63);
}

#[deny(warnings)]
#[test]
fn a_branch_that_never_ends_makes_no_warning() {
    async fn never() -> ! {
        pending().await
    }
    let number = now(async {
        filch::select! {
            _ = never() => 0,
            number = ready(1) => number,
        }
    });
    assert_eq!(number, 1);
}

#[test]
fn a_handler_breaks_continues_and_returns_out_of_the_macro() {
    async fn rounds() -> Result<u8, u8> {
        let mut round = 0;
        let at = loop {
            round += 1;
            filch::select! {
                _ = ready(()), if round < 3 => continue,
                _ = ready(()), if round == 3 => break round,
            }
        };
        filch::select! { result = ready(Err(at)) => { let () = result?; } }
        Ok(0)
    }
    assert_eq!(now(rounds()), Err(3));
}
