//! What a group failed with: every error, and whether it was cancelled.

use std::error::Error;
use std::fmt;
use std::io;

use filch_executor::{Cancelled, CleanupError};

/// Why a [`TaskGroup`](crate::TaskGroup) has no value: its errors, in the order in which they came.
///
/// There are none if somebody has cancelled the group, which [`cancelled`](GroupError::cancelled) tells, or if only a
/// cleanup failed.
///
/// # Examples
/// ```
/// # filch::run(async {
/// let error = filch::TaskGroup::run(async |group| {
///     group.spawn(async { Err::<(), _>(404) });
///     Err::<(), _>(500)
/// })
/// .await
/// .unwrap_err();
/// // The body failed first, and the child was cancelled before it ran, or failed as well.
/// let (theirs, ours) = error.split(|code| (400..500).contains(code));
/// assert_eq!(ours.unwrap().first(), Some(&500));
/// assert!(theirs.is_none_or(|theirs| theirs.errors() == [404]));
/// # });
/// ```
#[derive(Debug)]
pub struct GroupError<E> {
    errors: Vec<E>,
    cancelled: Option<Cancelled>,
    cleanups: Vec<CleanupError>,
}

impl<E> GroupError<E> {
    pub(super) fn new(
        errors: Vec<E>,
        cancelled: Option<Cancelled>,
        cleanups: Vec<CleanupError>,
    ) -> GroupError<E> {
        GroupError {
            errors,
            cancelled,
            cleanups,
        }
    }

    /// The error that came first.
    #[must_use]
    pub fn first(&self) -> Option<&E> {
        self.errors.first()
    }

    /// The error that came first, by value. The others are dropped.
    #[must_use]
    pub fn into_first(self) -> Option<E> {
        self.errors.into_iter().next()
    }

    /// All errors, the first one first.
    #[must_use]
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// All errors, the first one first.
    pub fn iter(&self) -> std::slice::Iter<'_, E> {
        self.errors.iter()
    }

    /// Those errors for which `pred` is true, and the rest: Python's `except*`. A side without errors is `None`. Who
    /// cancelled, and failed cleanups, stay with the rest, or with the only side that there is.
    #[must_use]
    pub fn split(
        self,
        mut pred: impl FnMut(&E) -> bool,
    ) -> (Option<GroupError<E>>, Option<GroupError<E>>) {
        let (matching, rest): (Vec<E>, Vec<E>) =
            self.errors.into_iter().partition(|error| pred(error));
        let side = |errors, cancelled, cleanups| {
            Some(GroupError {
                errors,
                cancelled,
                cleanups,
            })
        };
        if rest.is_empty() && !matching.is_empty() {
            return (side(matching, self.cancelled, self.cleanups), None);
        }
        let matching = (!matching.is_empty()).then_some(matching);
        (
            matching.and_then(|errors| side(errors, None, Vec::new())),
            side(rest, self.cancelled, self.cleanups),
        )
    }

    /// Who cancelled the group, where, and why: whoever called [`cancel`](crate::TaskGroup::cancel), or the child that
    /// failed first.
    #[must_use]
    pub fn cancelled(&self) -> Option<&Cancelled> {
        self.cancelled.as_ref()
    }

    /// Cleanups of the group's body and children that failed, panicked, or took too long.
    #[must_use]
    pub fn cleanups(&self) -> &[CleanupError] {
        &self.cleanups
    }
}

impl<E> IntoIterator for GroupError<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a GroupError<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    /// `2 errors in a task group: why; why`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.errors[..], &self.cancelled) {
            ([], Some(cancelled)) => write!(f, "a task group was cancelled {cancelled}")?,
            ([], None) => f.write_str("a cleanup in a task group failed")?,
            ([error], _) => write!(f, "an error in a task group: {error}")?,
            (errors, _) => {
                write!(f, "{} errors in a task group: ", errors.len())?;
                for (index, error) in errors.iter().enumerate() {
                    let between = if index > 0 { "; " } else { "" };
                    write!(f, "{between}{error}")?;
                }
            }
        }
        for failure in &self.cleanups {
            write!(f, "; {failure}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> Error for GroupError<E> {}

impl<E> From<GroupError<E>> for io::Error
where
    E: fmt::Debug + fmt::Display + Send + Sync + 'static,
{
    fn from(error: GroupError<E>) -> io::Error {
        io::Error::other(error)
    }
}
