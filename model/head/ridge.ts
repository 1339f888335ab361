import {
  add,
  broadcast,
  divide,
  inverse,
  matmul,
  multiply,
  sqrt,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { diagonalMatrix, diagonalOf } from './diagonal.ts';

/** What a head is solved for. */
export interface RidgeProblem {
  /** [n, f], a row an image. */
  readonly features: Tensor;
  /** [n, way], one-hot. */
  readonly targets: Tensor;
  /** [1, 1], above 0. */
  readonly lambda: Tensor;
}

/** A linear head: logits are x · weightᵀ + bias. */
export interface RidgeHead {
  /** [way, f] */
  readonly weight: Tensor;
  /** [1, way], zeros. */
  readonly bias: Tensor;
}

/** How many images the class of each image has, itself among them, [n, 1]. */
export const classSizes = (targets: Tensor): Tensor => matmul(targets, sum(targets, [0]), false, true);

/**
 * The head of ridge regression onto one-hot targets in closed form (R2-D2, arXiv 1805.08136): the W that minimises
 * Σᵢ wᵢ ‖yᵢ - W xᵢ‖² + λ‖W‖². It differentiates in features and λ, to any order.
 *
 * The weights wᵢ = (n / way) / nᵢ, with nᵢ the size of the image's class, let all classes count alike, so large ones
 * are not preferred. As λ grows, λW tends to n / way times the class means.
 *
 * In float32, for rows of length 1 and λ of 0.1 or more, weights and leave-one-out predictions of 20 classes of 50
 * images err by less than 5e-5.
 */
export function ridgeHead(problem: RidgeProblem): RidgeHead {
  const { features, targets } = problem;
  const { weight } = solve(problem, weightRoots(targets));
  return { weight, bias: features.graph.constant([0], [1, targets.shape[1]!]) };
}

/**
 * For each image, what the head of all other images says of it, [n, way]: in closed form, from the one system that
 * `ridgeHead` solves. The weights wᵢ stay those of the whole set.
 */
export function leaveOneOut(problem: RidgeProblem): Tensor {
  const { targets } = problem;
  const roots = weightRoots(targets);
  return subtract(targets, divide(solve(problem, roots).residuals, broadcast(roots, targets.shape)));
}

/** √wᵢ, [n, 1]. */
function weightRoots(targets: Tensor): Tensor {
  const [n, way] = targets.shape as [number, number];
  return sqrt(divide(n / way, classSizes(targets)));
}

interface Solution {
  readonly weight: Tensor;
  /** √wᵢ times what the head without image i misses its target by, [n, way]. */
  readonly residuals: Tensor;
}

/** Rows times √wᵢ make a ridge regression without weights. Of its two equal forms, the one of the smaller system. */
function solve({ features, targets, lambda }: RidgeProblem, roots: Tensor): Solution {
  const x = multiply(features, broadcast(roots, features.shape));
  const y = multiply(targets, broadcast(roots, targets.shape));
  const [n, f] = features.shape as [number, number];
  return n <= f ? dual(x, y, lambda) : primal(x, y, lambda);
}

/** By the images' n × n system: G = (x xᵀ + λ)⁻¹, W = (G y)ᵀ x, residuals G y / diag G. */
function dual(x: Tensor, y: Tensor, lambda: Tensor): Solution {
  const resolvent = regularizedInverse(matmul(x, x, false, true), lambda);
  const coefficients = matmul(resolvent, y);
  return {
    weight: matmul(coefficients, x, true, false),
    residuals: divide(coefficients, broadcast(diagonalOf(resolvent), y.shape)),
  };
}

/** By the features' f × f system and the hat matrix H = x (xᵀ x + λ)⁻¹ xᵀ: residuals (y - H y) / (1 - diag H). */
function primal(x: Tensor, y: Tensor, lambda: Tensor): Solution {
  const projected = matmul(x, regularizedInverse(matmul(x, x, true, false), lambda)); // [n, f]
  const weight = matmul(y, projected, true, false);
  const leverage = sum(multiply(projected, x), [1]);
  const missed = subtract(y, matmul(x, weight, false, true));
  return { weight, residuals: divide(missed, broadcast(subtract(1, leverage), y.shape)) };
}

function regularizedInverse(matrix: Tensor, lambda: Tensor): Tensor {
  return inverse(add(matrix, diagonalMatrix(broadcast(lambda, [matrix.shape[0]!, 1]))));
}
