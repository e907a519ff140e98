/** What is wrong with an envelope, or with who receives it: alone, and by twos, of which the first to be met decides. */
export interface Defect<Plan> {
  id: string;
  comment: string;
  code: string;
  spec: string;
  flag: string;
  /** what it changes, by words; defects that change the same do not go together */
  touches: string;
  put: (plan: Plan) => void;
}

/** Of `list`, which is in the order of the checks: each with at most `most` that come after it. */
export function pairsOf<Plan>(list: readonly Defect<Plan>[], most = 3): [Defect<Plan>, Defect<Plan>][] {
  return list.flatMap((a, i) => {
    const apart = (b: Defect<Plan>): boolean =>
      a.code !== b.code && !a.touches.split(' ').some((word) => b.touches.split(' ').includes(word));
    return list
      .slice(i + 1)
      .filter(apart)
      .slice(0, most)
      .map((b): [Defect<Plan>, Defect<Plan>] => [a, b]);
  });
}
