-- Every hour of the shop before the end of history.
SELECT
    ecommerce.ts AS timestamp,
    ecommerce.views,
    ecommerce.revenue,
    platform.name AS platform,
    marketplace.name AS marketplace
FROM ecommerce
JOIN platform ON platform.id = ecommerce.platform
JOIN marketplace ON marketplace.id = ecommerce.marketplace
WHERE ecommerce.ts < :window_end
