//! `select!` and `race!`: the first of several futures that run inside the calling task.
//!
//! The grammar is tokio's, so that programs move over with a change of the name, and `if let` beside it. All of it is
//! `macro_rules`:
//!
//! - [`__select!`] takes one branch at a step, whatever form it has, and puts it into the one form `(future Name
//!   [pattern] [[how the future is made]] [[precondition]] [handler])`. `future` is a different variable at each step
//!   (as in `named.rs`), and `Name` the next of a list.
//! - [`__select_branches!`] gets them all. The names are the variants of an `enum` that carries the output of the one
//!   branch that is chosen: the futures end before the handler runs, which may use what they have borrowed.
//!
//! A pattern is tried twice. First on the output where it lies, in an arm whose guard is never true: it moves nothing
//! and binds nothing. Then, if it has matched, to bind it for the handler.

/// Waits for the first of several futures inside the calling task, drops the others, and goes on with its handler.
///
/// ```text
/// select! {
///     biased;                                                  // optional
///     <pattern> = <future> => <handler>,
///     <pattern> = <future>, if <condition> => <handler>,
///     <pattern> = <future>, if let <pattern> = <expression> => <handler>,
///     else => <expression>,                                    // optional
/// }
/// ```
///
/// This is `tokio::select!` with the same grammar, of up to 64 branches. Futures are whatever can be awaited
/// ([`IntoFuture`](std::future::IntoFuture)). They may borrow, and handlers may use what they borrowed: every future is
/// gone when a handler runs. A comma after a handler in braces may be left out. `break`, `continue`, `return`, `?` and
/// `.await` in a handler are the caller's.
///
/// What happens:
///
/// 1. The conditions are evaluated. A branch whose condition is false is *disabled*: its future is made, but not
///    polled.
/// 2. The futures are made, and polled until one is ready. With `if let`, the future is made only if the pattern
///    matches, and may use what the pattern binds; else the branch is disabled.
/// 3. If the output matches the branch's pattern, all futures are dropped, tasks that this cancels are waited for, the
///    handler runs, and its value is the macro's. If it does not match, the branch is disabled, and the others go on.
/// 4. When every branch is disabled, `else` runs.
///
/// Which future is polled first is chosen at random each time, by the runtime's generator, so that none is preferred
/// when several are ready. With `biased;` it is always the first in the text, and the others in their order: put what
/// must not be missed, such as a shutdown, before what is always ready. It works outside a runtime too.
///
/// All futures run in one task, one at a time. While one computes or blocks, the others wait: spawn what is work.
///
/// # Panics
/// When every branch is disabled and there is no `else`; and with the panic of a future or handler.
///
/// # Cancel safety
/// The losers are dropped where they stand, and what they cancel is waited for: if one has a [`gather!`](crate::gather!)
/// in it, its tasks are gone before the handler runs. In a loop each future should be cancel safe, as `recv`, `accept`,
/// `read` and `sleep_until` are. What is not (`read_exact`, `write_all`, a lock's place in its queue) is made once
/// before the loop, pinned, and given as `&mut future`. Dropping the surrounding future drops every branch.
///
/// # Example
/// ```
/// use filch::sync::mpsc;
/// use filch::time::{Duration, sleep};
///
/// # filch::run(async {
/// let (sender, receiver) = mpsc::channel(4);
/// sender.send("hello").await.unwrap();
/// let said = filch::select! {
///     Some(text) = receiver.recv() => text,
///     () = sleep(Duration::from_secs(5)) => "nothing for five seconds",
/// };
/// assert_eq!(said, "hello");
/// # });
/// ```
///
/// A branch that is not always there:
///
/// ```
/// # use filch::sync::oneshot;
/// # filch::run(async {
/// let (sender, receiver) = oneshot::channel();
/// let mut answer = Some(receiver);
/// sender.send(7).unwrap();
/// let mut got = None;
/// while got.is_none() {
///     filch::select! {
///         value = receiver, if let Some(receiver) = &mut answer => got = value.ok(),
///         else => break,
///     }
/// }
/// assert_eq!(got, Some(7));
/// # });
/// ```
#[macro_export]
macro_rules! select {
    ($(biased;)? else => $else:expr $(,)?) => {{
        $else
    }};
    (biased; $pattern:pat = $($rest:tt)*) => {
        $crate::__select_names! { biased $pattern = $($rest)* }
    };
    ($pattern:pat = $($rest:tt)*) => {
        $crate::__select_names! { random $pattern = $($rest)* }
    };
    ($(biased;)?) => {
        ::core::compile_error!("select! needs at least one branch: `pattern = future => handler`")
    };
}

/// A name for each branch that there may be.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_names {
    ($order:ident $($rest:tt)*) => {
        $crate::__select! {
            $order []
            [
                B0 B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11 B12 B13 B14 B15 B16 B17 B18 B19 B20 B21 B22 B23 B24 B25 B26
                B27 B28 B29 B30 B31 B32 B33 B34 B35 B36 B37 B38 B39 B40 B41 B42 B43 B44 B45 B46 B47 B48 B49 B50 B51
                B52 B53 B54 B55 B56 B57 B58 B59 B60 B61 B62 B63
            ]
            $($rest)*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ($order:ident $done:tt $names:tt) => {
        $crate::__select! {
            $order $done $names
            else => ::core::panic!("every branch of a `select!` is disabled, and it has no `else`")
        }
    };
    ($order:ident $done:tt $names:tt else => $else:expr $(,)?) => {
        $crate::__select_branches! { $order $done $else }
    };
    ($order:ident $done:tt [] $($rest:tt)+) => {
        ::core::compile_error!("select! takes at most 64 branches")
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr, if let $given:pat = $from:expr => $handler:block, $($rest:tt)*
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [given [$given] [$from] [$future]] [] [$handler])]
            [$($names)*] $($rest)*
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr, if let $given:pat = $from:expr => $handler:block $($rest:tt)*
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [given [$given] [$from] [$future]] [] [$handler])]
            [$($names)*] $($rest)*
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr, if let $given:pat = $from:expr => $handler:expr, $($rest:tt)*
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [given [$given] [$from] [$future]] [] [$handler])]
            [$($names)*] $($rest)*
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr, if let $given:pat = $from:expr => $handler:expr
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [given [$given] [$from] [$future]] [] [$handler])]
            [$($names)*]
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr $(, if $condition:expr)? => $handler:block, $($rest:tt)*
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [plain [$future]] [$($condition)?] [$handler])]
            [$($names)*] $($rest)*
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr $(, if $condition:expr)? => $handler:block $($rest:tt)*
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [plain [$future]] [$($condition)?] [$handler])]
            [$($names)*] $($rest)*
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr $(, if $condition:expr)? => $handler:expr, $($rest:tt)*
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [plain [$future]] [$($condition)?] [$handler])]
            [$($names)*] $($rest)*
        }
    };
    ($order:ident [$($done:tt)*] [$name:ident $($names:ident)*]
        $pattern:pat = $future:expr $(, if $condition:expr)? => $handler:expr
    ) => {
        $crate::__select! {
            $order
            [$($done)* (future $name [$pattern] [plain [$future]] [$($condition)?] [$handler])]
            [$($names)*]
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select_branches {
    ($order:ident [$((
        $future:ident $name:ident [$pattern:pat] [$($make:tt)*] [$($condition:expr)?] [$handler:expr]
    ))+] $else:expr) => {{
        // No item has a hygienic name; this one nobody else has.
        enum __FilchSelected<$($name),+> { $($name($name),)+ Disabled }
        let mut drain = $crate::__private::Drain::new();
        let selected = {
            // Numbers that the compiler knows, but for the conditions: so they are nowhere in memory.
            let mut enabled = 0;
            let mut place = 0;
            $(
                enabled |= $crate::__private::enabled(place, true $(&& $condition)?);
                place += 1;
            )+
            let _ = place;
            // First as it is given: a temporary in it lives to the end of this block.
            $( let $future = $crate::__select_future! { $($make)* }; )+
            let mut place = 0;
            $(
                let mut $future = ::core::pin::pin!($crate::__private::made($future));
                if $future.is_none() {
                    enabled &= !$crate::__private::enabled(place, true);
                }
                place += 1;
            )+
            let _ = place;
            let mut branches =
                $crate::__private::Branches::<
                    { [$(::core::stringify!($name)),+].len() },
                    { [$(::core::stringify!($name)),+].len() + 1 },
                >::$order(enabled);
            let selected = ::core::future::poll_fn(|cx| {
                let first = ::core::task::ready!(branches.poll_first(cx));
                let mut notes = $crate::__private::Notes::new();
                // A second round is for those that were only asked in the first.
                while branches.begin_round() {
                    // Two halves: from the first on, then those before it.
                    for from_first in [true, false] {
                        let mut place = 0;
                        $(
                            'branch: {
                                if (place >= first) == from_first {
                                    let manner = $crate::__select_manner!($future);
                                    let polled = branches.poll(manner, &mut notes, place, $future.as_mut(), cx);
                                    // An arm that diverges, for futures of whose output nothing else is known.
                                    let output = match polled {
                                        ::core::task::Poll::Ready(output) => output,
                                        ::core::task::Poll::Pending => break 'branch,
                                    };
                                    #[allow(unreachable_code, unreachable_patterns, unused_variables)]
                                    #[allow(unused_assignments, unused_mut)]
                                    let () = {
                                        let mut output = output;
                                        let mut is_match = false;
                                        match output {
                                            $pattern if { is_match = true; false } => ::core::unreachable!(),
                                            _ => {}
                                        }
                                        if is_match {
                                            return ::core::task::Poll::Ready(__FilchSelected::$name(output));
                                        }
                                    };
                                }
                            }
                            place += 1;
                        )+
                        let _ = place;
                    }
                }
                branches.wait(&notes).map(|()| __FilchSelected::Disabled)
            })
            .await;
            drain.catch(|| { $( $future.set(::core::option::Option::None); )+ });
            selected
        };
        if !drain.is_empty() {
            (&mut drain).await;
        }
        #[allow(unused_mut)]
        let mut selected = selected;
        match selected {
            $( __FilchSelected::$name($pattern) => $handler, )+
            __FilchSelected::Disabled => $else,
            #[allow(unreachable_patterns)]
            _ => ::core::unreachable!("an output is chosen because it matches its pattern"),
        }
    }};
}

/// How the branch is looked at: by the type of its future.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_manner {
    ($future:ident) => {{
        #[allow(unused_imports)]
        use $crate::__private::{CanBeAsked as _, IsPolled as _};
        (&$crate::__private::Kind::of(&$future)).manner()
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select_future {
    (plain [$future:expr]) => {
        ($future,)
    };
    (given [$pattern:pat] [$from:expr] [$future:expr]) => {
        match $from {
            $pattern => ::core::option::Option::Some($future),
            #[allow(unreachable_patterns)]
            _ => ::core::option::Option::None,
        }
    };
}

/// Waits for the first of several futures inside the calling task, drops the others, and gives its output.
///
/// As [`select!`](crate::select!) without handlers: the futures have one type of output, and may borrow. Each time any
/// of them may be polled first. For a number of futures known only at run time see [`race()`](crate::race()).
///
/// # Returns
/// The output of the first future that is ready, when the others are gone, and tasks that they cancel.
///
/// # Panics
/// With a future's panic, after dropping the others.
///
/// # Cancel safety
/// Dropping the surrounding future drops every future given. The losers are dropped where they stand.
///
/// # Example
/// ```
/// use filch::time::{Duration, sleep};
///
/// # filch::run(async {
/// let first = filch::race!(
///     async { sleep(Duration::from_secs(60)).await; "slow" },
///     async { "quick" },
/// );
/// assert_eq!(first, "quick");
/// # });
/// ```
#[macro_export]
macro_rules! race {
    ($($future:expr),+ $(,)?) => { $crate::select! { $( output = $future => output ),+ } };
}
