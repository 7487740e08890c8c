//! A group is made by the call that runs its body. There is none before, its limit is used up by the call, and what the
//! body gets cannot be run.

use filch::TaskGroup;

async fn again() {
    let limit = TaskGroup::<()>::limit(2);
    let _ = limit.run(async |_| Ok(())).await;
    let _ = limit.run(async |_| Ok(())).await;
}

async fn within() {
    let _ = TaskGroup::<()>::run(async |group| {
        let _ = group.run(async |_| Ok(())).await;
        Ok(())
    })
    .await;
}

async fn before() {
    let group = TaskGroup::<()>::new();
    group.spawn_ok(async {});
}

fn main() {}
