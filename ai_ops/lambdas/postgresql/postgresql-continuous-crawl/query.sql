-- The shop in one window [start, end).
SELECT
    ecommerce.ts AS timestamp,
    ecommerce.views,
    ecommerce.revenue,
    platform.name AS platform,
    marketplace.name AS marketplace
FROM ecommerce
JOIN platform ON platform.id = ecommerce.platform
JOIN marketplace ON marketplace.id = ecommerce.marketplace
WHERE ecommerce.ts >= :window_start
  AND ecommerce.ts < :window_end
