//! What the requests of one connection have in common, behind one pointer: that is all that each of them counts.

use super::meter::Meter;
use super::rules::Rules;
use crate::http::info::ConnInfo;
use std::sync::Arc;

pub(super) struct Line {
    pub(super) meter: Meter,
    pub(super) info: ConnInfo,
    /// Of the server. Nothing of it is counted for a request but who is at work.
    pub(super) rules: Arc<Rules>,
}

impl Line {
    pub(super) fn new(info: ConnInfo, rules: Arc<Rules>) -> Arc<Line> {
        Arc::new(Line {
            meter: Meter::default(),
            info,
            rules,
        })
    }
}
