//! Products of an int8 matrix and an int8 vector, for every vector instruction set that has an
//! instruction for them.
//!
//! The weights are packed in the order in which they are read: blocks of 128 rows; in a block group
//! after group of four columns; in a group row after row. One instruction then multiplies four
//! columns of 16 (AVX-512), 8 (AVX2) or 4 (NEON) rows with the same four values and adds them up in
//! 32 bits. Integers are exact in any order, so every kernel gives the same bits.

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Rows of a block: eight registers of AVX-512, so that sums wait for no other.
pub const BLOCK_ROWS: usize = 128;

/// Columns that one instruction multiplies and sums.
pub const GROUP: usize = 4;

/// Vectors that are multiplied together: their sums are 24 of the 32 registers of AVX-512.
pub const BATCH: usize = 3;

/// Cache lines of one group of columns in a block.
const GROUP_LINES: usize = BLOCK_ROWS * GROUP / 64;

/// Four values of the vector as they lie in a register.
pub type Group = i32;

/// Weights of 16 rows in one group of columns, as they lie in a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
struct Line([i8; 64]);

/// A matrix whose rows were dealt out to blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedMatrix {
    lines: Vec<Line>,
    /// −128·Σ of each row's weights, for kernels whose vector is unsigned.
    zero_point_corrections: Vec<i32>,
    groups: usize,
}

impl PackedMatrix {
    /// Packs `weight(row, column)`; rows and columns that fill up the last block and group are 0.
    ///
    /// Magnitudes must not exceed 127; the AVX2 kernel has no room for −128, and an asymmetric
    /// range buys nothing.
    #[must_use]
    pub fn new(rows: usize, columns: usize, weight: impl Fn(usize, usize) -> i8) -> Self {
        let (blocks, groups) = (rows.div_ceil(BLOCK_ROWS), columns.div_ceil(GROUP));
        let at = |row: usize, column: usize| {
            if row < rows && column < columns { weight(row, column).max(-127) } else { 0 }
        };
        let line = |i: usize| {
            let (block, group, part) =
                (i / (groups * GROUP_LINES), i / GROUP_LINES % groups, i % GROUP_LINES);
            let first = block * BLOCK_ROWS + part * 16;
            Line(std::array::from_fn(|j| at(first + j / GROUP, group * GROUP + j % GROUP)))
        };
        let zero_point_correction =
            |row| -128 * (0..columns).map(|c| i32::from(at(row, c))).sum::<i32>();
        Self {
            lines: (0..blocks * groups * GROUP_LINES).map(line).collect(),
            zero_point_corrections: (0..blocks * BLOCK_ROWS).map(zero_point_correction).collect(),
            groups,
        }
    }

    /// Groups of columns: the length of the vectors that this multiplies.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// `out` ← rows of `block` · `vector`.
    ///
    /// # Real-time safety
    /// Neither allocates nor locks.
    #[inline]
    pub fn product(
        &self,
        kernel: Kernel,
        block: usize,
        vector: &[Group],
        out: &mut [i32; BLOCK_ROWS],
    ) {
        debug_assert_eq!(vector.len(), self.groups);
        let per_block = self.groups * GROUP_LINES;
        let lines = &self.lines[block * per_block..(block + 1) * per_block];
        let zero_point_corrections =
            &self.zero_point_corrections[block * BLOCK_ROWS..(block + 1) * BLOCK_ROWS];
        match kernel {
            Kernel::Scalar => scalar(lines, vector, out),
            // SAFETY: a kernel can only be had where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            Kernel::Avx2(_) => unsafe { x86::avx2(lines, vector, out) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            // SAFETY: a kernel can only be had where the processor has its instructions.
            Kernel::AvxVnni(_) => unsafe {
                x86::avx_vnni(lines, vector, zero_point_corrections, out)
            },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            // SAFETY: a kernel can only be had where the processor has its instructions.
            Kernel::Avx512Vnni(_) => unsafe {
                x86::avx512_vnni(
                    lines,
                    [vector],
                    zero_point_corrections,
                    std::array::from_mut(out),
                );
            },
            #[cfg(target_arch = "aarch64")]
            #[allow(unsafe_code)]
            Kernel::NeonDot(_) => unsafe { arm::neon_dot(lines, vector, out) },
        }
        // Only kernels with an unsigned vector need them.
        let _ = zero_point_corrections;
    }

    /// As [`product`](Self::product) of several vectors, each `[groups]`, for all of which the
    /// weights are read once where the processor has registers enough.
    ///
    /// # Real-time safety
    /// As [`product`](Self::product).
    #[inline]
    pub fn products(
        &self,
        kernel: Kernel,
        block: usize,
        vectors: [&[Group]; BATCH],
        out: &mut [[i32; BLOCK_ROWS]; BATCH],
    ) {
        #[cfg(target_arch = "x86_64")]
        if let Kernel::Avx512Vnni(_) = kernel {
            let per_block = self.groups * GROUP_LINES;
            let lines = &self.lines[block * per_block..(block + 1) * per_block];
            let zero_point_corrections =
                &self.zero_point_corrections[block * BLOCK_ROWS..(block + 1) * BLOCK_ROWS];
            // SAFETY: a kernel can only be had where the processor has its instructions.
            #[allow(unsafe_code)]
            unsafe {
                x86::avx512_vnni(lines, vectors, zero_point_corrections, out);
            }
            return;
        }
        for (vector, out) in vectors.into_iter().zip(out) {
            self.product(kernel, block, vector, out);
        }
    }
}

/// Packs quantised values into groups; those that fill up the last one are 0.
#[inline(always)]
pub fn pack(values: &[i8], groups: &mut [Group]) {
    let (whole, rest) = values.as_chunks::<GROUP>();
    for (group, four) in groups.iter_mut().zip(whole) {
        let [a, b, c, d] = *four;
        // Four bytes as they lie: the compiler makes it a copy.
        *group = Group::from_ne_bytes([
            a.cast_unsigned(),
            b.cast_unsigned(),
            c.cast_unsigned(),
            d.cast_unsigned(),
        ]);
    }
    if let (Some(group), [_, ..]) = (groups.get_mut(whole.len()), rest) {
        let mut bytes = [0; GROUP];
        bytes.iter_mut().zip(rest).for_each(|(byte, value)| *byte = value.cast_unsigned());
        *group = Group::from_ne_bytes(bytes);
    }
}

/// Proof that the processor has a kernel's instructions: only [`Kernel::all`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present(());

/// An instruction set that multiplies int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Plain Rust: the definition, and what runs where nothing else does.
    Scalar,
    /// `vpmaddubsw` and `vpmaddwd`, 8 rows at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2(Present),
    /// `vpdpbusd` on 8 rows.
    #[cfg(target_arch = "x86_64")]
    AvxVnni(Present),
    /// `vpdpbusd` on 16 rows.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Present),
    /// `sdot` on 4 rows.
    #[cfg(target_arch = "aarch64")]
    NeonDot(Present),
}

impl Kernel {
    /// The kernels that this processor has, the fastest last.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            let present = Present(());
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2(present));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
                all.push(Self::AvxVnni(present));
            }
            if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni") {
                all.push(Self::Avx512Vnni(present));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            all.push(Self::NeonDot(Present(())));
        }
        all
    }

    /// The fastest kernel that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::all().pop().unwrap_or(Self::Scalar)
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(_) => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) => "AVX-512 VNNI",
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot(_) => "NEON dot product",
        }
    }
}

/// The definition.
fn scalar(lines: &[Line], vector: &[Group], out: &mut [i32; BLOCK_ROWS]) {
    out.fill(0);
    for (lines, group) in lines.chunks_exact(GROUP_LINES).zip(vector) {
        let values = group.to_ne_bytes().map(|byte| i32::from(i8::from_ne_bytes([byte])));
        let rows = lines.iter().flat_map(|line| line.0.as_chunks::<GROUP>().0);
        for (out, row) in out.iter_mut().zip(rows) {
            for (weight, value) in row.iter().zip(values) {
                // Never wraps: |Σ| ≤ 127²·columns, which fits for 133 000 of them.
                *out = out.wrapping_add(i32::from(*weight) * value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All rows of `matrix` · `vector` by `kernel`.
    fn product(kernel: Kernel, matrix: &PackedMatrix, vector: &[i8]) -> Vec<i32> {
        let mut groups = vec![0; matrix.groups()];
        pack(vector, &mut groups);
        let blocks = matrix.zero_point_corrections.len() / BLOCK_ROWS;
        let mut out = [0; BLOCK_ROWS];
        (0..blocks)
            .flat_map(|block| {
                matrix.product(kernel, block, &groups, &mut out);
                out
            })
            .collect()
    }

    /// As on paper.
    fn definition(weights: &[Vec<i8>], vector: &[i8]) -> Vec<i32> {
        let dot = |row: &Vec<i8>| -> i32 {
            row.iter().zip(vector).map(|(w, x)| i32::from(*w) * i32::from(*x)).sum()
        };
        weights.iter().map(dot).collect()
    }

    fn packed(weights: &[Vec<i8>]) -> PackedMatrix {
        PackedMatrix::new(weights.len(), weights[0].len(), |row, column| weights[row][column])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_kernel_multiplies_as_on_paper(
            (weights, vector) in (1..300_usize, 1..40_usize).prop_flat_map(|(rows, columns)| {
                let numbers = || prop::collection::vec(-127..=127_i8, columns);
                (prop::collection::vec(numbers(), rows), numbers())
            })
        ) {
            let (matrix, expected) = (packed(&weights), definition(&weights, &vector));
            for kernel in Kernel::all() {
                let actual = product(kernel, &matrix, &vector);
                prop_assert_eq!(&actual[..weights.len()], &expected[..], "{}", kernel.name());
                prop_assert!(actual[weights.len()..].iter().all(|sum| *sum == 0));
            }
        }
    }

    #[test]
    fn vectors_together_are_multiplied_as_each_for_itself() {
        let weight = |row: usize, column: usize| ((row * 31 + column * 17) % 255) as i16 - 127;
        let matrix = PackedMatrix::new(200, 37, |row, column| weight(row, column) as i8);
        let vectors: [Vec<Group>; BATCH] = std::array::from_fn(|v| {
            let value = |i: usize| ((i * (v + 3) * 29) % 255) as i16 - 127;
            let values: Vec<i8> = (0..37).map(|i| value(i) as i8).collect();
            let mut groups = vec![0; matrix.groups()];
            pack(&values, &mut groups);
            groups
        });
        for kernel in Kernel::all() {
            for block in 0..2 {
                let mut together = [[0; BLOCK_ROWS]; BATCH];
                matrix.products(kernel, block, vectors.each_ref().map(|v| &v[..]), &mut together);
                for (vector, together) in vectors.iter().zip(&together) {
                    let mut alone = [0; BLOCK_ROWS];
                    matrix.product(Kernel::Scalar, block, vector, &mut alone);
                    assert_eq!(*together, alone, "{}", kernel.name());
                }
            }
        }
    }

    #[test]
    fn extremes_do_not_saturate() {
        for (weight, value) in [(127, 127), (127, -127), (-127, 127), (-127, -127)] {
            let weights = vec![vec![weight; 512]; BLOCK_ROWS];
            for kernel in Kernel::all() {
                let sums = product(kernel, &packed(&weights), &[value; 512]);
                let expected = 512 * i32::from(weight) * i32::from(value);
                assert!(sums.iter().all(|sum| *sum == expected), "{}", kernel.name());
            }
        }
    }

    #[test]
    fn the_best_kernel_is_one_of_all() {
        assert!(Kernel::all().contains(&Kernel::best()));
    }
}
