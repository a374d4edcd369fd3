//! Tests of `image`.

use super::*;

#[test]
fn the_image_has_the_libraries_and_the_loader() {
    let listing = "\tlinux-vdso.so.1 (0x7ffc)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f)\n\
                       \t/lib64/ld-linux-x86-64.so.2 (0x7f)\n";
    let paths = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
    assert_eq!(parse_libraries(listing), paths);
}

#[test]
fn the_recipe_ends_with_an_image_without_root_and_shell() {
    let recipe = fs::read_to_string(workspace::root().join(RECIPE)).unwrap();
    let stages: Vec<_> = recipe.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    // The distroless base has the C library and certificates, and neither shell nor packages.
    assert!(matches!(stages[..], [build, "gcr.io/distroless/cc-debian12:nonroot"] if build.ends_with(" AS build")));
    let (_, image) = recipe.rsplit_once("\nFROM ").unwrap();
    let user = format!("USER {USER}:{USER}");
    let revision = format!("ENV {IMAGE_REVISION}=$REVISION");
    for line in ["COPY --from=build /root-of-image/ /", &revision, &user, "ENTRYPOINT [\"/load\"]"] {
        assert!(image.lines().any(|found| found == line), "{line} is missing");
    }
    assert!(!image.contains("\nRUN "), "a base without a shell runs nothing");
}
