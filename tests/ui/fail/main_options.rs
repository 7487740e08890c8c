//! Every wrong option of `#[filch::main]` is one error at the token that is wrong.

#[filch::main(threads = 4)]
async fn unknown() {}

#[filch::main(flavor = "current_thread")]
async fn name_of_another_runtime() {}

#[filch::main(timeout = "5s")]
async fn timeout_is_for_tests() {}

#[filch::main(workers = 2, name = "a", workers = 3)]
async fn duplicate() {}

#[filch::main(workers = "2")]
async fn text_for_a_number() {}

#[filch::main(workers = -1)]
async fn negative() {}

#[filch::main(workers = 2.0)]
async fn fraction_for_a_number() {}

#[filch::main(workers = 0)]
async fn no_workers() {}

#[filch::main(workers)]
async fn no_value() {}

#[filch::main(workers = , name = "a")]
async fn empty_value() {}

#[filch::main(workers 2)]
async fn no_equals() {}

#[filch::main("current_thread")]
async fn no_name() {}

#[filch::main(name = api)]
async fn path_for_a_string() {}

#[filch::main(name = "a\0b")]
async fn nul_in_name() {}

#[filch::main(seed = 18446744073709551616)]
async fn seed_too_large() {}

#[filch::main(crate = "filch")]
async fn string_for_a_path() {}

#[filch::main(local = true)]
async fn value_for_local() {}

#[filch::main(local, workers = 2)]
async fn local_and_workers() {}

#[filch::main(seed = "x", workers = 0, color)]
async fn three_at_once() {}

fn main() {
    // The functions exist in spite of their errors: naming one is no further error.
    unknown();
}
