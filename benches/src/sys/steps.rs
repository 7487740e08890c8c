//! Counts the instructions of another process by stepping through them one by one: ptrace(2). Slow, some microseconds
//! an instruction, but exact, and it works where there are no hardware counters, as on most virtual machines.
//!
//! Only what runs outside the kernel is counted: a system call is one instruction.

use std::collections::HashMap;
use std::io;
use std::ptr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// How often each instruction was run, by its address.
pub(crate) type Steps = HashMap<u64, u64>;

/// Steps through all threads of a child until it has ended, and counts each step for the phase that `phase` names
/// meanwhile, of so many.
///
/// # Errors
/// When the system refuses to trace it.
pub(crate) fn count(pid: u32, phase: &AtomicUsize, phases: usize) -> io::Result<Vec<Steps>> {
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let name = entry?.file_name();
        let thread = name.to_string_lossy().parse().map_err(io::Error::other)?;
        seize(thread)?;
    }
    let mut steps = vec![Steps::new(); phases];
    while let Some((thread, status)) = next_stop() {
        if !libc::WIFSTOPPED(status) {
            continue;
        }
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        let is_step = signal == libc::SIGTRAP && event == 0;
        if is_step {
            let count = steps[phase.load(Relaxed)].entry(address(thread));
            *count.or_default() += 1;
        }
        // What was sent to the thread reaches it; what ptrace itself says does not.
        let signal = if is_step || event != 0 { 0 } else { signal };
        step(thread, signal);
    }
    Ok(steps)
}

fn seize(thread: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACECLONE as usize;
    // SAFETY: neither call takes a pointer to anything.
    let outcome = unsafe {
        let seized = libc::ptrace(
            libc::PTRACE_SEIZE,
            thread,
            ptr::null_mut::<libc::c_void>(),
            options as *mut libc::c_void,
        );
        match seized {
            -1 => -1,
            _ => libc::ptrace(
                libc::PTRACE_INTERRUPT,
                thread,
                ptr::null_mut::<libc::c_void>(),
                ptr::null_mut::<libc::c_void>(),
            ),
        }
    };
    if outcome == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The next thread that has stopped or ended; `None`: there is none left.
fn next_stop() -> Option<(i32, i32)> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a place for one number.
        let thread = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
        if thread > 0 {
            return Some((thread, status));
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// One instruction further. A thread that was killed meanwhile says so at the next wait.
fn step(thread: i32, signal: i32) {
    // SAFETY: it takes no pointer to anything.
    unsafe {
        libc::ptrace(
            libc::PTRACE_SINGLESTEP,
            thread,
            ptr::null_mut::<libc::c_void>(),
            signal as usize as *mut libc::c_void,
        )
    };
}

/// Where a stopped thread goes on; 0 where that is not known how to ask.
fn address(thread: i32) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let offset = libc::RIP as usize * size_of::<u64>();
        // SAFETY: a word of the thread's registers is read, and no memory of this process is written.
        let word = unsafe {
            libc::ptrace(
                libc::PTRACE_PEEKUSER,
                thread,
                offset as *mut libc::c_void,
                ptr::null_mut::<libc::c_void>(),
            )
        };
        word as u64
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = thread;
        0
    }
}
