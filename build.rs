//! Tells the linker what the plugin's shared library needs, and what one of its tests does.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A host may unload the library the moment its last window is closed, while the window's thread
    // is still on its way out through code that would then be gone. Marked so, the library stays
    // mapped until the host itself ends.
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(os.as_str(), "linux" | "freebsd") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    // tests/allocations.rs stands in for the C library's allocator. This one of its functions the
    // linker would keep to the program.
    if os == "linux" {
        println!("cargo::rustc-link-arg-tests=-Wl,--export-dynamic-symbol=posix_memalign");
    }
}
