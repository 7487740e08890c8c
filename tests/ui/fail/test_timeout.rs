//! Every wrong timeout of `#[filch::test]` is one error at the text, with an example of a right one.

#[filch::test(timeout = "5")]
async fn no_unit() {}

#[filch::test(timeout = "5h")]
async fn unknown_unit() {}

#[filch::test(timeout = "fast")]
async fn no_number() {}

#[filch::test(timeout = "-1s")]
async fn negative() {}

#[filch::test(timeout = "0s")]
async fn zero() {}

#[filch::test(timeout = 5)]
async fn number_for_a_string() {}

#[filch::test(retries = 5)]
async fn unknown_option() {}

fn main() {}
