import { approx } from "../format/int";
import type { Units } from "../parts/units";
import type { Node, Tree } from "../schema.gen";
import { Shown } from "./value";

/** Branches that open: what a figure rests on, and what that rests on. */
export function TreeBlock({ block, units }: { block: Tree; units: Units }) {
  return (
    <nav class="tree" aria-label={block.caption}>
      <Branches nodes={block.nodes} units={units} depth={0} />
    </nav>
  );
}

function Branches({ nodes, units, depth }: { nodes: readonly Node[]; units: Units; depth: number }) {
  return (
    <ul>
      {nodes.map((node, at) => (
        <li key={at}>
          {node.inner.length === 0 ? (
            <div class="leaf">
              <Line node={node} units={units} />
            </div>
          ) : (
            <details open={depth === 0}>
              <summary>
                <Line node={node} units={units} />
              </summary>
              <Branches nodes={node.inner} units={units} depth={depth + 1} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function Line({ node, units }: { node: Node; units: Units }) {
  return (
    <span class="branch">
      <span class="branch-label">{node.label}</span>
      {node.value !== null && (
        <span class="branch-figure">
          <Shown value={node.value} kind={node.kind} units={units} />
        </span>
      )}
      {node.share_bps !== null && (
        <svg class="branch-bar" width="100%" height="6" aria-hidden="true">
          <rect class="track" width="100%" height="6" rx="2" />
          <rect class="bar" width={`${Math.min(Math.max(approx(node.share_bps) / 100, 0.5), 100)}%`} height="6" rx="2" />
        </svg>
      )}
      {node.note && <span class="branch-note">{node.note}</span>}
    </span>
  );
}
