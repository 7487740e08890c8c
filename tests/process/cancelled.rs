//! Children that are given up at some point.

#[cfg(target_os = "linux")]
mod linux {
    use crate::common::{process, runtime, wait_until};
    use crate::{alone, children, nothing_is_left, sh};
    use filch::io::AsyncReadExt;
    use filch::process::Stdio;
    use filch::time::FutureExt;
    use std::time::Duration;

    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn a_child_that_is_dropped_is_waited_for_by_one_thread_that_ends() {
        alone(
            "cancelled::linux::a_child_that_is_dropped_is_waited_for_by_one_thread_that_ends",
            || {
                let descriptors = process::descriptors();
                let rt = runtime(1);
                rt.block_on(async {
                    for _ in 0..20 {
                        drop(sh("sleep 0.2").stdout(Stdio::piped()).spawn().unwrap());
                    }
                });
                assert_eq!(process::threads("filch-orphans").len(), 1);
                drop(rt);
                nothing_is_left(descriptors);
            },
        );
    }

    #[test]
    fn a_child_outlives_its_runtime_and_leaves_no_zombie() {
        alone(
            "cancelled::linux::a_child_outlives_its_runtime_and_leaves_no_zombie",
            || {
                let descriptors = process::descriptors();
                let rt = runtime(1);
                drop(rt.spawn(async { sh("sleep 0.3").status().await }));
                wait_until("it runs", || children().len() == 1);
                drop(rt);
                assert_eq!(children().len(), 1, "it goes on");
                nothing_is_left(descriptors);
            },
        );
    }

    #[test]
    fn an_output_that_is_given_up_kills_only_if_it_was_told_so() {
        alone(
            "cancelled::linux::an_output_that_is_given_up_kills_only_if_it_was_told_so",
            || {
                let descriptors = process::descriptors();
                runtime(1).block_on(async {
                    let given_up = sh("sleep 0.2; echo").output().timeout(SHORT).await;
                    assert!(given_up.is_err());
                    assert_eq!(children().len(), 1);
                    let mut command = sh("sleep 60");
                    let given_up = command.kill_on_drop(true).output().timeout(SHORT).await;
                    assert!(given_up.is_err());
                });
                nothing_is_left(descriptors);
            },
        );
    }

    #[test]
    fn a_stop_that_is_given_up_in_the_grace_time_leaves_the_child_to_its_owner() {
        alone(
            "cancelled::linux::a_stop_that_is_given_up_in_the_grace_time_leaves_the_child_to_its_owner",
            || {
                let descriptors = process::descriptors();
                runtime(1).block_on(async {
                    let script = "trap '' TERM; echo ready; sleep 60";
                    let mut command = sh(script);
                    command
                        .process_group(0)
                        .kill_on_drop(true)
                        .stdout(Stdio::piped());
                    let mut child = command.spawn().unwrap();
                    let output = child.stdout.as_mut().unwrap();
                    output.read_exact(&mut [0; 6]).await.unwrap();
                    assert!(child.stop(Duration::MAX).timeout(SHORT).await.is_err());
                    drop(child);
                });
                nothing_is_left(descriptors);
            },
        );
    }
}
