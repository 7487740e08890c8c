//! `join!` and `try_join!`: several futures polled inside the calling task.
//!
//! Nothing is spawned or allocated and everything may be borrowed. In return one future's long poll delays the others,
//! and all of them use one core: for work, `gather!` is the tool. Called by users, through the macros alone.

/// Who is polled first. A task's cooperative budget may be used up before the last future is reached, so the first
/// place goes round.
#[doc(hidden)]
#[derive(Debug)]
pub struct Turn {
    first: usize,
    count: usize,
}

impl Turn {
    /// The first place goes round among `count` futures.
    #[must_use]
    pub fn rotating(count: usize) -> Turn {
        Turn { first: 0, count }
    }

    /// Always the first one first.
    #[must_use]
    pub fn fixed(_count: usize) -> Turn {
        Turn { first: 0, count: 1 }
    }

    /// Whose turn it is now.
    pub fn take(&mut self) -> usize {
        let first = self.first;
        self.first = (first + 1) % self.count;
        first
    }
}

/// Waits for several futures inside the calling task, and gives all their outputs.
///
/// Nothing is spawned: the futures run one at a time, on whatever thread runs the caller, and may borrow from it. Each
/// time the caller is polled another of them is polled first, so that none can use up the task's budget for ever;
/// `join!(biased; a, b)` always polls in the order given. For futures that should use several cores see
/// [`gather!`](crate::gather!).
///
/// Works in `async` code only, since it awaits. Any number of futures can be given, each of any output, and whatever
/// else can be awaited ([`IntoFuture`]).
///
/// # Returns
/// A tuple of the outputs in argument order, once the last of them is there; `()` without arguments.
///
/// # Panics
/// With a future's panic, after dropping the others.
///
/// # Cancel safety
/// Dropping the surrounding future drops every future given.
///
/// # Example
/// ```
/// # filch::run(async {
/// let words = String::from("one two");
/// let (count, length) = filch::join!(
///     async { words.split(' ').count() },
///     async { words.len() },
/// );
/// assert_eq!((count, length), (2, 7));
/// # });
/// ```
#[macro_export]
macro_rules! join {
    (biased; $($futures:tt)*) => { $crate::__named! { __join (fixed) [] $($futures)* } };
    ($($futures:tt)*) => { $crate::__named! { __join (rotating) [] $($futures)* } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __join {
    (($turn:ident)) => { () };
    (($turn:ident) $(($name:ident $future:expr))+) => {{
        $( let mut $name = ::core::pin::pin!($crate::__private::maybe_done(::core::future::IntoFuture::into_future($future))); )+
        let mut turn = $crate::__private::Turn::$turn([$(::core::stringify!($name)),+].len());
        let mut records = $crate::__private::Records::<{ [$(::core::stringify!($name)),+].len() + 1 }>::here(
            $crate::__private::WaitKind::All,
        );
        ::core::future::poll_fn(|cx| {
            let first = turn.take();
            let mut pending = false;
            let mut notes = $crate::__private::Notes::new();
            // One round in two halves: from the first on, then those before it.
            for from_first in [true, false] {
                let mut index = 0;
                $(
                    if (index >= first) == from_first {
                        pending |= records.poll(&mut notes, index, || ::core::future::Future::poll($name.as_mut(), cx)).is_pending();
                    }
                    index += 1;
                )+
                let _ = index;
            }
            if pending {
                records.wait(&notes);
                return ::core::task::Poll::Pending;
            }
            ::core::task::Poll::Ready(($( $name.as_mut().take_output().expect("a finished future has an output"), )+))
        })
        .await
    }};
}

/// Waits for several futures inside the calling task until all have succeeded or one has failed.
///
/// As [`join!`](crate::join!), for futures of `Result`s with one error type: the first error ends the wait.
///
/// # Returns
/// `Ok` with a tuple of the values in argument order.
///
/// # Errors
/// The first future's error. The others are dropped where they stand before the error is returned, and if one of them
/// holds tasks of its own, in a gather or a group, these are gone, too.
///
/// # Panics
/// With a future's panic, after dropping the others.
///
/// # Cancel safety
/// Dropping the surrounding future drops every future given.
///
/// # Example
/// ```
/// # filch::run(async {
/// let port = async { "80".parse::<u16>() };
/// let wrong = async { "http".parse::<u16>() };
/// assert!(filch::try_join!(port, wrong).is_err());
/// # });
/// ```
#[macro_export]
macro_rules! try_join {
    (biased; $($futures:tt)*) => { $crate::__named! { __try_join (fixed) [] $($futures)* } };
    ($($futures:tt)*) => { $crate::__named! { __try_join (rotating) [] $($futures)* } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __try_join {
    (($turn:ident)) => { ::core::result::Result::Ok(()) };
    (($turn:ident) $(($name:ident $future:expr))+) => {{
        let mut drain = $crate::__private::Drain::new();
        $( let mut $name = ::core::pin::pin!($crate::__private::maybe_done(::core::future::IntoFuture::into_future($future))); )+
        let mut turn = $crate::__private::Turn::$turn([$(::core::stringify!($name)),+].len());
        let mut records = $crate::__private::Records::<{ [$(::core::stringify!($name)),+].len() + 1 }>::here(
            $crate::__private::WaitKind::All,
        );
        // Which one failed. Its error stays where it is until the others are gone.
        let failed = ::core::future::poll_fn(|cx| {
            let first = turn.take();
            let mut pending = false;
            let mut notes = $crate::__private::Notes::new();
            for from_first in [true, false] {
                let mut index = 0;
                $(
                    if (index >= first) == from_first {
                        if records.poll(&mut notes, index, || ::core::future::Future::poll($name.as_mut(), cx)).is_pending() {
                            pending = true;
                        } else if let ::core::option::Option::Some(::core::result::Result::Err(_)) = $name.as_mut().output_mut() {
                            return ::core::task::Poll::Ready(::core::option::Option::Some(index));
                        }
                    }
                    index += 1;
                )+
                let _ = index;
            }
            if pending {
                records.wait(&notes);
                return ::core::task::Poll::Pending;
            }
            ::core::task::Poll::Ready(::core::option::Option::None)
        })
        .await;
        if let ::core::option::Option::Some(failed) = failed {
            drain.catch(|| {
                let mut index = 0_usize;
                $(
                    if index != failed {
                        $name.set($crate::__private::MaybeDone::Gone);
                    }
                    index += 1;
                )+
                let _ = index;
            });
            (&mut drain).await;
        }
        'done: {
            if failed.is_some() {
                $(
                    if let ::core::option::Option::Some(::core::result::Result::Err(error)) = $name.as_mut().take_output() {
                        break 'done ::core::result::Result::Err(error);
                    }
                )+
            }
            ::core::result::Result::Ok((
                $( $crate::__private::success($name.as_mut().take_output()), )+
            ))
        }
    }};
}

/// The value of a branch of a `try_join!` of which none has failed.
#[doc(hidden)]
pub fn success<T, E>(output: Option<Result<T, E>>) -> T {
    match output {
        Some(Ok(value)) => value,
        _ => unreachable!("every branch has succeeded"),
    }
}
