use super::*;

#[test]
fn paths_are_written_as_the_specification_shows() {
    let cases = [
        (TilePath::hashes(TileId { level: 0, index: 1_234_067 }, 256), "tile/0/x001/x234/067"),
        (TilePath::hashes(TileId { level: 1, index: 0 }, 1), "tile/1/000.p/1"),
        (TilePath::hashes(TileId { level: 0, index: 273 }, 256), "tile/0/273"),
        (TilePath::hashes(TileId { level: 0, index: 1_000 }, 17), "tile/0/x001/000.p/17"),
        (TilePath::entries(999, 255), "tile/entries/999.p/255"),
        (TilePath::entries(1_000_000, 256), "tile/entries/x001/x000/000"),
    ];
    for (path, text) in cases {
        assert_eq!(path.unwrap().to_string(), text);
        assert_eq!(text.parse(), path);
    }
}

#[test]
fn paths_in_another_spelling_are_refused() {
    for bad in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/+0/000",
        "tile/6/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/xx001/000",
        "tile/5/001",
        "tile/0/-01",
        "tile/entries/x/000",
        "tile/0/x001/x099/x511/x627/776",
        "tile/0/000.p/1.p/1",
        "/tile/0/000",
        "tile/0/000/",
    ] {
        assert_eq!(bad.parse::<TilePath>(), Err(TilePathError), "{bad}");
    }
    assert_eq!(TilePath::entries(0, 0), Err(TilePathError));
    assert_eq!(TilePath::entries(0, 257), Err(TilePathError));
    assert_eq!(TilePath::entries(1 << 40, 256), Err(TilePathError));
}

#[test]
fn entry_bundles_round_trip_and_refuse_damage() {
    let long = vec![7u8; MAX_LEAF];
    let entries: Vec<&[u8]> = vec![b"", b"a", &long];
    let bytes = encode_entry_bundle(&entries).unwrap();
    assert_eq!(parse_entry_bundle(&bytes, 3).unwrap(), entries);
    assert_eq!(parse_entry_bundle(&bytes, 2), Err(EntryBundleError::Trailing));
    assert_eq!(parse_entry_bundle(&bytes, 4), Err(EntryBundleError::Truncated));
    assert_eq!(parse_entry_bundle(&bytes[..bytes.len() - 1], 3), Err(EntryBundleError::Truncated));
    assert_eq!(parse_entry_bundle(&bytes, 0), Err(EntryBundleError::Count));
    assert_eq!(encode_entry_bundle(&[vec![0u8; MAX_LEAF + 1]]), Err(EntryBundleError::TooLong));
    assert_eq!(encode_entry_bundle::<&[u8]>(&[]), Err(EntryBundleError::Count));
    assert_eq!(encode_entry_bundle(&[b""; 257]), Err(EntryBundleError::Count));
}
