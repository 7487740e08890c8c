//! The handler on Unix. What it calls is safe in a signal handler: atomics, `write`, `sigaction`, `raise`,
//! `pthread_sigmask`, `getpid`, `_exit`.
//!
//! # Default actions
//!
//! A handler that is installed stays installed: whoever takes it away would race with others that install theirs. So
//! the handler itself does what would have happened without it: it sets the default action, raises the signal anew and
//! unblocks it, and the system does the rest, so that the parent sees a process that the signal has ended. It needs no
//! thread of a runtime for that.
//!
//! The first process of a container has no default actions: the system drops such signals. Whoever asked for one and
//! then for no more means to be ended by the next, so the process ends itself, with the code that shells give it.
//!
//! What another library had installed before is called, for every signal; what was ignored stays ignored.

use super::{SIGNALS, bell, word};
use libc::{c_int, c_void, siginfo_t};
use parking_lot::Mutex;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicI32, AtomicUsize};
use std::{io, ptr};

/// Which are watched. The handlers belong to the process.
static WATCHED: Mutex<[bool; SIGNALS]> = Mutex::new([false; SIGNALS]);

/// What each signal did before it was watched: written before our handler can run.
static BEFORE: [Before; SIGNALS] = [const { Before::new() }; SIGNALS];

/// The process whose signals these are, and not a child's that has not become another program yet.
static PROCESS: AtomicI32 = AtomicI32::new(0);

struct Before {
    handler: AtomicUsize,
    takes_info: AtomicI32,
}

impl Before {
    const fn new() -> Before {
        Before {
            handler: AtomicUsize::new(libc::SIG_DFL),
            takes_info: AtomicI32::new(0),
        }
    }
}

/// From now on this signal is decided upon by its word.
///
/// # Errors
/// The system's; `InvalidInput` for what cannot be caught, and for what a program cannot go on after.
pub(crate) fn watch(number: i32, ring: fn()) -> io::Result<()> {
    let forbidden = [
        libc::SIGKILL,
        libc::SIGSTOP,
        libc::SIGILL,
        libc::SIGFPE,
        libc::SIGSEGV,
    ];
    let index = usize::try_from(number).unwrap_or(SIGNALS);
    if index == 0 || index >= SIGNALS || forbidden.contains(&number) {
        let text = format!("signal {number} cannot be waited for");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut watched = WATCHED.lock();
    if watched[index] {
        return Ok(());
    }
    bell::hang(ring)?;
    // SAFETY: it takes nothing.
    PROCESS.store(unsafe { libc::getpid() }, Release);
    let before = &BEFORE[index];
    let old = change(number, None)?;
    before.handler.store(old.sa_sigaction, Release);
    before
        .takes_info
        .store(i32::from(old.sa_flags & libc::SA_SIGINFO != 0), Release);
    change(number, Some(&ours()))?;
    watched[index] = true;
    Ok(())
}

fn ours() -> libc::sigaction {
    let mut action = default();
    action.sa_sigaction = handle as *const () as usize;
    // Calls that it interrupts go on; a thread with a stack for signals uses it.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    action
}

fn default() -> libc::sigaction {
    // SAFETY: a struct of numbers, and SIG_DFL is 0. An empty mask is all zeros everywhere, but is made properly.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = libc::SIG_DFL;
    // SAFETY: the pointer is to the mask of a struct of ours.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    action
}

/// Sets what a signal does, if `action` is there, and says what it did.
fn change(number: i32, action: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    let new = action.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: null or a valid action, and room for the old one. The handler is one that may run at any time.
    match unsafe { libc::sigaction(number, new, old.as_mut_ptr()) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: zeroed, which is valid for a struct of numbers, and written by the system.
        _ => Ok(unsafe { old.assume_init() }),
    }
}

extern "C" fn handle(number: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the pointer is to this thread's `errno`, which the interrupted code may be about to read.
    let saved = unsafe { *errno() };
    // SAFETY: it takes nothing.
    let is_ours = PROCESS.load(Acquire) == unsafe { libc::getpid() };
    let is_waited_for = is_ours && word(number).deliver();
    if is_waited_for {
        bell::ring();
    }
    let before = &BEFORE[number as usize];
    match before.handler.load(Acquire) {
        libc::SIG_IGN => {}
        libc::SIG_DFL if is_waited_for => {}
        libc::SIG_DFL => do_default(number),
        handler if before.takes_info.load(Acquire) != 0 => {
            type Takes = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
            // SAFETY: it was installed as a handler that takes these, and gets what we got.
            let handler = unsafe { std::mem::transmute::<usize, Takes>(handler) };
            handler(number, info, context);
        }
        handler => {
            // SAFETY: it was installed as a handler that takes a number.
            let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
            handler(number);
        }
    }
    // SAFETY: as above.
    unsafe { *errno() = saved };
}

/// Does what the system would have done.
fn do_default(number: c_int) {
    let does_nothing = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
    if does_nothing.contains(&number) {
        return;
    }
    // If this fails, nothing can be done about it here.
    let _ = change(number, Some(&default()));
    raise_now(number);
    // Here is who was stopped and goes on, and who has no default actions.
    let stops = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
    if !stops.contains(&number) {
        // SAFETY: it ends the process at once.
        unsafe { libc::_exit(128 + number) };
    }
    let _ = change(number, Some(&ours()));
}

/// Raises a signal that is blocked in its own handler, and lets it come.
fn raise_now(number: c_int) {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut old = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointers are to sets of ours; all of these may be called in a handler.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), number);
        libc::raise(number);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), old.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), ptr::null_mut());
    }
}

fn errno() -> *mut c_int {
    // SAFETY: they take nothing, and return the address of this thread's `errno`.
    unsafe {
        #[cfg(any(target_os = "linux", target_os = "l4re", target_os = "dragonfly"))]
        return libc::__errno_location();
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        return libc::__error();
        #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
        return libc::__errno();
        #[cfg(any(target_os = "illumos", target_os = "solaris"))]
        return libc::___errno();
    }
}
