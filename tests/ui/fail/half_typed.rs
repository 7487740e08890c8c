//! A body that is half typed is rustc's to complain about; the function around it exists for the rest of the file.

#[filch::main]
async fn half_typed() {
    let text = String::new();
    text.
}

#[filch::main(worker_threads = 2)]
async fn no_body();

fn main() {
    half_typed();
}
