//! A `main` that cannot be run yields nothing but the attribute's own error.

#[filch::main]
async fn main(arguments: Vec<String>) {
    println!("{arguments:?}");
}
