/**
 * Where each image stands in the history. Pure.
 *
 * Columns are time, one for each image; rows are lines of work. An edit goes on in its parent's row while
 * the parent is the last there; an edit of an older picture branches off into a row of its own. A new picture
 * begins in the first row.
 */

export const MOST_ROWS = 6;

/** {places: Map of id to {column, row}, columns, rows, links: [{from, to}]} for images in their order. */
export function layout(list) {
  const places = new Map();
  const tips = [];
  const links = [];
  list.forEach((image, column) => {
    const parents = image.parentIds.filter((id) => places.has(id));
    const row = rowFor(parents.length > 0 ? places.get(parents[0]) : null, parents[0], tips);
    tips[row] = { id: image.id, column };
    places.set(image.id, { column, row });
    for (const parent of parents) links.push({ from: parent, to: image.id });
  });
  return { places, columns: list.length, rows: Math.max(1, tips.length), links };
}

/** The nearest row in which nothing stands between the parent and now. */
function rowFor(parent, parentId, tips) {
  if (parent === null) return 0;
  if (tips[parent.row].id === parentId) return parent.row;
  for (let row = parent.row + 1; row < MOST_ROWS; row += 1) {
    const tip = tips[row];
    if (tip === undefined || tip.column < parent.column) return row;
  }
  return MOST_ROWS - 1;
}

/** The image one comes to from `id` by an arrow key, or null: along the line of work, or across. */
export function neighbour(list, { places }, id, key) {
  const at = list.findIndex((image) => image.id === id);
  if (at < 0) return null;
  const ids = list.map((image) => image.id);
  const { row } = places.get(id);
  const earlier = ids.slice(0, at).toReversed();
  const later = ids.slice(at + 1);
  const isOnRow = (wanted) => (other) => places.get(other).row === wanted;
  switch (key) {
    case 'ArrowLeft':
      return list[at].parentIds.find((parent) => places.has(parent)) ?? earlier[0] ?? null;
    case 'ArrowRight':
      return list.findLast((image) => image.parentIds.includes(id))?.id ?? later[0] ?? null;
    case 'ArrowUp':
      return [...earlier, ...later].find(isOnRow(row - 1)) ?? null;
    case 'ArrowDown':
      return [...later, ...earlier].find(isOnRow(row + 1)) ?? null;
    case 'Home':
      return ids[0];
    case 'End':
      return ids.at(-1);
    default:
      return null;
  }
}
