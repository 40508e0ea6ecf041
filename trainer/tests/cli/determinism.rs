//! The same seed gives the same weights, bit by bit.

use std::fs;

use crate::program::{TINY, data, folder, succeed};

#[test]
fn equal_seeds_give_equal_weights_and_others_do_not() {
    let root = folder("determinism");
    let weights = |name: &str, options: &str| {
        let run = root.join(name);
        succeed(&format!(
            "train --data {} --category bottle --shots 4 --steps 8 {TINY} --out {} {options}",
            data().display(),
            run.display()
        ));
        fs::read(run.join("model/model.safetensors")).unwrap()
    };
    let first = weights("first", "--seed 5");
    // The features in a file instead of memory, and checkpoints on the way, change nothing either.
    assert!(first == weights("again", "--seed 5"));
    assert!(first == weights("on_disk", "--seed 5 --cache-ram 0 --checkpoint-every 1"));
    assert!(first != weights("other", "--seed 6"));
    assert!(first != weights("tau", "--seed 5 --tau 0.9"));
}
