//! Bundles as an oversight body receives them: good ones, forged ones, and true ones that show a wrong.

mod forged;
mod proven;
mod world;
