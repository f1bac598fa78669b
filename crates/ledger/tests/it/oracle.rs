//! Roots and proofs agree with `ct-merkle`, an independent implementation, at random sizes; and a proof
//! with any byte, hash or number changed is refused.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use mithaq_ledger::{
    Appender, EMPTY_ROOT, Frontier, Hash, MAX_SIZE, MemoryTiles, ProofError, ProveError, leaf_hash,
    prove_consistency, prove_inclusion, prove_range, range_root, root_at, verify_consistency,
    verify_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;

type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;

fn leaf(n: u64) -> Vec<u8> {
    n.to_le_bytes().repeat(usize::try_from(n % 9).unwrap())
}

fn build(size: u64) -> (Oracle, MemoryTiles, Hash) {
    let (mut oracle, mut appender, mut tiles) = (Oracle::new(), Appender::new(), MemoryTiles::new());
    let leaves: Vec<_> = (0..size).map(leaf).collect();
    for leaf in &leaves {
        oracle.push(leaf.clone());
    }
    for batch in leaves.chunks(97) {
        tiles.apply(appender.append(batch).unwrap());
    }
    (oracle, tiles, appender.root())
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks(32).map(|chunk| Hash::from_slice(chunk).unwrap()).collect()
}

fn leaf_hashes(range: core::ops::Range<u64>) -> impl Iterator<Item = Hash> {
    range.map(|n| leaf_hash(&leaf(n)))
}

/// Sizes around tile borders are as likely as the rest.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![1u64..40, 250u64..262, 500u64..1_100]
}

fn size_and_two(max: impl Strategy<Value = u64>) -> impl Strategy<Value = (u64, u64, u64)> {
    max.prop_flat_map(|n| (Just(n), 0..n, 0..n)).prop_map(|(n, a, b)| (n, a.min(b), a.max(b)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn roots_and_inclusion_agree((size, other, index) in size_and_two(size())) {
        let (oracle, tiles, root) = build(size);
        let theirs = oracle.root();
        prop_assert_eq!(&theirs.as_bytes()[..], &root.as_bytes()[..]);
        prop_assert_eq!(root_at(&tiles, size), Ok(root));
        let proof = prove_inclusion(&tiles, index, size).unwrap();
        let theirs = oracle.prove_inclusion(usize::try_from(index).unwrap());
        prop_assert_eq!(&hashes(theirs.as_bytes()), &proof);
        let hash = leaf_hash(&leaf(index));
        prop_assert_eq!(verify_inclusion(&hash, index, size, &proof, &root), Ok(()));
        if other != index {
            prop_assert!(verify_inclusion(&hash, other, size, &proof, &root).is_err());
        }
    }

    #[test]
    fn consistency_agrees((size, _, old) in size_and_two(size())) {
        let (oracle, tiles, root) = build(size);
        let old = old + 1;
        let old_root = root_at(&tiles, old).unwrap();
        let proof = prove_consistency(&tiles, old, size).unwrap();
        prop_assert_eq!(verify_consistency((old, &old_root), (size, &root), &proof), Ok(()));
        let additions = usize::try_from(size - old).unwrap();
        prop_assert_eq!(&hashes(oracle.prove_consistency(additions).as_bytes()), &proof);
    }

    #[test]
    fn ranges_give_the_root((size, start, end) in size_and_two(size())) {
        let (_, tiles, root) = build(size);
        let end = end + 1;
        let proof = prove_range(&tiles, start, end, size).unwrap();
        if end - start > 1 {
            prop_assert_eq!(range_root(start, leaf_hashes(start..end), size, &proof), Ok(root));
            let short = range_root(start, leaf_hashes(start..end - 1), size, &proof);
            prop_assert_ne!(short, Ok(root));
        } else {
            prop_assert_eq!(verify_inclusion(&leaf_hash(&leaf(start)), start, size, &proof, &root), Ok(()));
        }
    }

    #[test]
    fn any_flipped_bit_of_a_proof_is_refused(
        (size, old, index) in size_and_two(2u64..600), at: usize, bit in 0u8..8,
    ) {
        let (_, tiles, root) = build(size);
        let flip = |proof: &[Hash]| -> Vec<Hash> {
            let mut bytes: Vec<u8> = proof.iter().flat_map(|h| *h.as_bytes()).collect();
            let len = bytes.len();
            bytes[at % len] ^= 1 << bit;
            hashes(&bytes)
        };
        let inclusion = prove_inclusion(&tiles, index, size).unwrap();
        let hash = leaf_hash(&leaf(index));
        let got = verify_inclusion(&hash, index, size, &flip(&inclusion), &root);
        prop_assert_eq!(got, Err(ProofError::RootMismatch));
        if old > 0 {
            let old_root = root_at(&tiles, old).unwrap();
            let consistency = prove_consistency(&tiles, old, size).unwrap();
            let got = verify_consistency((old, &old_root), (size, &root), &flip(&consistency));
            prop_assert_eq!(got, Err(ProofError::RootMismatch));
        }
    }
}

#[test]
fn every_small_tree_proves_every_leaf_and_every_beginning() {
    for size in 1..=40 {
        let (_, tiles, root) = build(size);
        for index in 0..size {
            let proof = prove_inclusion(&tiles, index, size).unwrap();
            let hash = leaf_hash(&leaf(index));
            assert_eq!(verify_inclusion(&hash, index, size, &proof, &root), Ok(()), "{index} of {size}");
            let longer = [&proof[..], &[root]].concat();
            let expected = proof.len();
            let wrong = |got| Err(ProofError::Length { expected, got });
            assert_eq!(verify_inclusion(&hash, index, size, &longer, &root), wrong(expected + 1));
            if let Some((_, shorter)) = proof.split_last() {
                assert_eq!(verify_inclusion(&hash, index, size, shorter, &root), wrong(expected - 1));
            }
            let old_root = root_at(&tiles, index).unwrap();
            let proof = prove_consistency(&tiles, index, size).unwrap();
            let (old, new) = ((index, &old_root), (size, &root));
            assert_eq!(verify_consistency(old, new, &proof), Ok(()), "{index} to {size}");
            let longer = [&proof[..], &[root]].concat();
            assert!(matches!(verify_consistency(old, new, &longer), Err(ProofError::Length { .. })));
            if index > 0 {
                assert_eq!(verify_consistency((index, &root), new, &proof), Err(ProofError::RootMismatch));
            }
        }
    }
}

#[test]
fn questions_without_an_answer_have_names() {
    let (_, tiles, root) = build(7);
    let (a, empty) = (leaf_hash(b""), EMPTY_ROOT);
    let out = |index, size| Err(ProofError::IndexOutOfRange { index, size });
    assert_eq!(verify_inclusion(&a, 0, 0, &[], &empty), out(0, 0));
    assert_eq!(verify_inclusion(&a, 7, 7, &[], &root), out(7, 7));
    let size = MAX_SIZE + 1;
    assert_eq!(verify_inclusion(&a, 0, size, &[], &root), Err(ProofError::SizeOutOfRange { size }));
    assert_eq!(verify_consistency((8, &root), (7, &root), &[]), Err(ProofError::Shrunk { old: 8, new: 7 }));
    assert_eq!(verify_consistency((7, &root), (7, &root), &[]), Ok(()));
    assert_eq!(verify_consistency((7, &empty), (7, &root), &[]), Err(ProofError::RootMismatch));
    assert_eq!(verify_consistency((0, &empty), (7, &root), &[]), Ok(()));
    assert_eq!(verify_consistency((0, &root), (7, &root), &[]), Err(ProofError::RootMismatch));
    assert_eq!(verify_consistency((0, &empty), (0, &root), &[]), Err(ProofError::RootMismatch));
    assert_eq!(verify_consistency((0, &empty), (0, &empty), &[]), Ok(()));
    let surplus = Err(ProofError::Length { expected: 0, got: 1 });
    assert_eq!(verify_consistency((0, &empty), (7, &root), &[a]), surplus);
    assert_eq!(range_root(3, [], 7, &[a, a]).err(), out(3, 7).err());
    assert_eq!(range_root(0, [a; 8], 7, &[]).err(), out(8, 7).err());
    assert_eq!(range_root(3, [a], 7, &[a]), Err(ProofError::Length { expected: 2, got: 1 }));
    assert_eq!(prove_inclusion(&tiles, 7, 7), Err(ProveError::OutOfRange));
    assert_eq!(prove_consistency(&tiles, 8, 7), Err(ProveError::OutOfRange));
    assert_eq!(prove_range(&tiles, 3, 3, 7), Err(ProveError::OutOfRange));
    assert_eq!(prove_range(&tiles, 3, 8, 7), Err(ProveError::OutOfRange));
    assert!(matches!(root_at(&tiles, 8), Err(ProveError::Short { .. })));
    assert!(matches!(root_at(&tiles, 300), Err(ProveError::Missing { .. })));
    assert_eq!(root_at(&tiles, 0), Ok(empty));
}

#[test]
fn a_damaged_tile_is_named() {
    let (_, mut tiles, _) = build(300);
    let id = mithaq_ledger::TileId { level: 0, index: 1 };
    tiles.tile_mut(id).unwrap().pop();
    assert_eq!(root_at(&tiles, 300), Err(ProveError::Malformed { id }));
}

#[test]
fn a_frontier_alone_knows_every_root() {
    let mut frontier = Frontier::new();
    let (_, tiles, _) = build(600);
    for (size, hash) in (0..).zip(leaf_hashes(0..600)) {
        assert_eq!(root_at(&tiles, size), Ok(frontier.root()));
        frontier.push(hash).unwrap();
    }
}
