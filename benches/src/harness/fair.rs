//! What fair time slicing leaves the hogs of a server: the yardstick for whether rescuing others costs them too much.

/// What took part in a window, in CPUs (1 is one CPU all the time).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares {
    /// CPUs that the server could use at all: those of the machine without what the load generator and other
    /// processes used.
    pub(crate) available: f64,
    /// How many hogs there were.
    pub(crate) hogs: usize,
    /// What the server used beside its hogs: the echo work, and whatever the runtime does to find and run it.
    pub(crate) others: f64,
}

impl Shares {
    /// What the hogs would get if each were a thread of its own, the echo work one more, and the system shared the CPUs
    /// out evenly among them: the echo thread gets what it needs up to an even share, a hog at most one CPU, and
    /// nothing is idle.
    pub(crate) fn fair(self) -> f64 {
        let hogs = self.hogs as f64;
        let even = self.available / (hogs + 1.0);
        (self.available - self.others.min(even)).clamp(0.0, hogs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fair(available: f64, hogs: usize, others: f64) -> f64 {
        Shares {
            available,
            hogs,
            others,
        }
        .fair()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_saturated_server_is_entitled_to_one_share_among_its_hogs() {
        assert!(near(fair(1.2, 2, 0.4), 0.8));
        assert!(near(fair(1.2, 2, 1.1), 0.8), "taking more is unfair");
        assert!(near(fair(1.5, 4, 0.9), 1.2));
    }

    #[test]
    fn what_the_echo_work_does_not_need_is_the_hogs() {
        assert!(near(fair(1.9, 2, 0.1), 1.8));
        assert!(near(fair(1.9, 4, 0.1), 1.8));
    }

    #[test]
    fn a_hog_cannot_use_more_than_a_cpu() {
        assert!(near(fair(8.0, 2, 0.1), 2.0));
        assert!(near(fair(0.0, 2, 0.1), 0.0));
    }
}
