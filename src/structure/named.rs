//! Names for the futures of a macro: how `join!(a, b, ..)` gets a variable for each of any number of arguments.
//!
//! `macro_rules` cannot count or invent names, but a name that a macro writes is a different variable each time the
//! macro is expanded. So [`__named!`] takes the arguments a few at a time, writes the same names beside them at every
//! step, and hands the pairs on. Eight a step keeps a thousand futures within the compiler's default recursion limit.

/// Expands to `callback!(options (name future) (name future) ..)`, the names all different.
#[doc(hidden)]
#[macro_export]
macro_rules! __named {
    ($callback:ident $options:tt [$($named:tt)*]
        $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr $(, $($rest:tt)*)?) => {
        $crate::__named! {
            $callback $options
            [$($named)* (a $a) (b $b) (c $c) (d $d) (e $e) (f $f) (g $g) (h $h)]
            $($($rest)*)?
        }
    };
    ($callback:ident $options:tt [$($named:tt)*] $a:expr $(, $($rest:tt)*)?) => {
        $crate::__named! { $callback $options [$($named)* (a $a)] $($($rest)*)? }
    };
    ($callback:ident $options:tt [$($named:tt)*]) => {
        $crate::$callback! { $options $($named)* }
    };
}
