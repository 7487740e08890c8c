//! What an attribute cannot run is one error at the token that is in the way.

#[filch::main]
fn not_async() {}

#[filch::main]
async fn arguments(count: u32) -> u32 {
    count
}

#[filch::main]
async fn generic<T: Default>() {
    let _ = T::default();
}

#[filch::main]
async fn bounded()
where
    String: Clone,
{
}

#[filch::main]
async unsafe fn qualified() {}

struct Server;

impl Server {
    #[filch::main]
    async fn receiver(&self) {}
}

#[filch::main]
struct NotAFunction;

#[filch::main]
const LIMIT: usize = 3;

#[filch::test]
fn test_not_async() {}

#[filch::test]
async fn test_arguments(count: u32) {
    let _ = count;
}

#[filch::test]
#[test]
async fn twice_a_test() {}

fn main() {
    let _ = (NotAFunction, LIMIT);
    Server.receiver();
}
